"""`file:PATH` and `file:STUDENT,RERANKER`: a researcher's checkpoints as a bundle.

One file gives both stages: an X-CLIP file is its own student (its video vector is CLIP4Clip's), any other file
is reranked by X-CLIP with identity matrices. Two files give one stage each; towers with equal weights run once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from core.errors import DrivescopeError, ErrorKind
from core.files import sha256_of
from core.models.bundle import BundleSpec, ModelBundle
from core.models.checkpoints import DEFAULT_FRAMES, DEFAULT_WORDS, Checkpoint, open_checkpoint
from core.models.clip4clip import Clip4Clip
from core.models.device import Precision
from core.models.preprocess import Crop, Preprocessing
from core.models.towers import ClipTower
from core.models.xclip import XClip

PREFIX: Final = "file:"
ACTIVATIONS: Final = {"quickgelu": True, "gelu": False}
CLIP_VOCABULARY: Final = 49408


@dataclass(frozen=True)
class Part:
    """One file of a name, with the activation that was asked for."""

    path: Path
    quick_gelu: bool | None

    def __str__(self) -> str:
        for name, value in ACTIVATIONS.items():
            if value is self.quick_gelu:
                return f"{self.path}#{name}"
        return str(self.path)


def parse(name: str) -> tuple[Part, ...]:
    """`file:A`, `file:A#gelu` or `file:A,B#quickgelu` to one or two parts; a comma in a real path is kept."""
    body = name.removeprefix(PREFIX)
    texts = [body] if _parse_part(body).path.is_file() else body.split(",")
    if len(texts) > 2 or not all(text.strip() for text in texts):
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, f"'{name}' is not file:PATH or file:STUDENT,RERANKER with real file names."
        )
    return tuple(_parse_part(text.strip()) for text in texts)


def name_of(parts: tuple[Part, ...]) -> str:
    """The `file:` name of one or two parts, which `parse` reads again from any working folder."""
    return PREFIX + ",".join(map(str, parts))


def _parse_part(text: str) -> Part:
    path, mark, option = text.rpartition("#")
    if not mark or option.lower() not in ACTIVATIONS:
        path, option = text, ""
    return Part(Path(path).expanduser().absolute(), ACTIVATIONS.get(option.lower()))


def open_file_bundle(
    name: str, device: torch.device, precision: Precision, crop: Crop | None, frames: int | None
) -> ModelBundle:
    """Loads the files of a `file:` name; they decide words, frames and everything else that they can."""
    parts = parse(name)
    checkpoints = [open_checkpoint(part.path, part.quick_gelu) for part in parts]
    student_file, reranker_file = checkpoints[0], checkpoints[-1]
    for checkpoint in checkpoints:
        _check_vocabulary(checkpoint)
    if len(checkpoints) == 2 and reranker_file.head != "X-CLIP":
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"{reranker_file.path} is a {reranker_file.label}; the reranker must be X-CLIP.",
        )
    used_frames = _frames(checkpoints, frames)
    parts_of_files = [checkpoint.parts() for checkpoint in checkpoints]
    student = parts_of_files[0][0]
    reranker = _reranker(student, parts_of_files[-1][0], used_frames)
    distinct = 1 if len(checkpoints) == 2 and _same_towers(student_file, reranker_file) else len(checkpoints)
    towers = tuple(
        ClipTower(checkpoint.dims, clip, preprocessing_of(checkpoint))
        for checkpoint, (_, clip) in list(zip(checkpoints, parts_of_files, strict=True))[:distinct]
    )
    return ModelBundle(
        spec=_spec(parts, checkpoints, towers, crop or "center", used_frames),
        towers=towers,
        student=student,
        reranker=reranker,
        device=device,
        precision=precision,
        padded_words=reranker_file.head == "X-CLIP",
    )


def _spec(
    parts: tuple[Part, ...],
    checkpoints: list[Checkpoint],
    towers: tuple[ClipTower, ...],
    crop: Crop,
    frames: int,
) -> BundleSpec:
    """What the window shows of the files, and what their vectors depend on."""
    student, reranker = checkpoints[0], checkpoints[-1]
    return BundleSpec(
        name=name_of(parts),
        title=" + ".join(part.path.name for part in parts),
        label=" + ".join(checkpoint.label for checkpoint in checkpoints)
        + (", paper-faithful crop" if crop == "center" else f", {crop} crop"),
        crop=crop,
        frames=frames,
        student_dim=student.dims.embed_dim,
        reranker_dim=reranker.dims.embed_dim,
        quick_gelu=student.dims.quick_gelu,
        weights_sha256=tuple(sha256_of(part.path) for part in parts),
        context_words=min(reranker.words or DEFAULT_WORDS, *(c.dims.context for c in checkpoints)),
        synthetic=False,
        preprocessing=tuple(tower.preprocessing for tower in towers),
    )


def preprocessing_of(checkpoint: Checkpoint) -> Preprocessing:
    """OpenAI CLIP's normalisation at the size that the position table was made for."""
    return Preprocessing(checkpoint.dims.image_height, checkpoint.dims.image_width)


def _reranker(student: Clip4Clip, last: Clip4Clip, frames: int) -> XClip:
    """The last file's X-CLIP, or one with identity matrices."""
    if isinstance(last, XClip):
        return last
    return XClip(None, width=student.width, words=DEFAULT_WORDS, frames=frames, header="meanP")


def _frames(checkpoints: list[Checkpoint], asked: int | None) -> int:
    """X-CLIP's matrices fix the number of frames; otherwise it may be chosen up to the position table."""
    fixed = next((c for c in reversed(checkpoints) if c.frames), None)
    if fixed is not None and fixed.frames is not None:
        if asked not in (None, fixed.frames):
            raise DrivescopeError(
                ErrorKind.BAD_INPUT,
                f"{fixed.path} was trained with {fixed.frames} frames per clip and works with no other number.",
            )
        return fixed.frames
    frames = asked or DEFAULT_FRAMES
    for checkpoint in checkpoints:
        table = checkpoint.tensors.get("frame_position_embeddings.weight")
        if table is not None and len(table) < frames:
            raise DrivescopeError(
                ErrorKind.BAD_INPUT,
                f"{checkpoint.path} knows only {len(table)} frame positions, not {frames}.",
            )
    return frames


def _same_towers(a: Checkpoint, b: Checkpoint) -> bool:
    """Whether two files hold the same towers, number by number."""
    if a.dims != b.dims:
        return False
    names = [name for name in a.tensors if name.startswith("clip.") and name != "clip.logit_scale"]
    return all(name in b.tensors and torch.equal(a.tensors[name], b.tensors[name]) for name in names)


def _check_vocabulary(checkpoint: Checkpoint) -> None:
    if checkpoint.dims.vocabulary != CLIP_VOCABULARY:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"{checkpoint.path} has a vocabulary of {checkpoint.dims.vocabulary} tokens; queries can only be "
            f"tokenised for CLIP's {CLIP_VOCABULARY}.",
        )
