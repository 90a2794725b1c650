"""A bundle as a folder: `bundle.json`, `student.safetensors`, `reranker.safetensors`.

The student file has TeachCLIP's or CLIP4Clip's key layout with its towers under `clip.*`; the reranker file
has X-CLIP's and leaves `clip.*` out when it uses the student's towers. Tensors are float16 and widened when
read; every file's hash is in `bundle.json`, as are the self-test vectors of the rounded weights.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.errors import DrivescopeError, ErrorKind
from core.files import sha256_of
from core.models.backbone import Backbone, ClipDims
from core.models.bundle import BundleSpec, ModelBundle
from core.models.clip4clip import Clip4Clip
from core.models.device import Precision
from core.models.files import read_json, read_tensors, write_json, write_tensors
from core.models.preprocess import Crop, Preprocessing, check_crop
from core.models.strict import load_heads
from core.models.teachclip import TeachClip
from core.models.temporal import Block, TemporalTransformer
from core.models.towers import ClipTower
from core.models.xclip import XClip

FORMAT = 1
DESCRIPTION, STUDENT, RERANKER = "bundle.json", "student.safetensors", "reranker.safetensors"

StudentModule = Clip4Clip
"""A first-stage model with its towers: `Clip4Clip` or its subclass `TeachClip`."""


@dataclass(frozen=True)
class BundleConfig:
    """What the weights do not say themselves."""

    name: str
    title: str
    label: str
    preprocessing: Preprocessing
    crop: Crop = "squash"
    frames: int = 12
    words: int = 32
    synthetic: bool = False
    padded_words: bool = False  # True only for weights trained without a word mask
    note: str = ""  # one or two sentences: what it was trained on, and how
    reranker_preprocessing: Preprocessing | None = None  # where the reranker's own towers want another one


def save_bundle(folder: Path, student: StudentModule, reranker: XClip, config: BundleConfig) -> None:
    """Writes a bundle folder; an existing one is replaced file by file, its description last.

    Args:
        folder: created where it is not there.
        student: with its towers in `student.clip`.
        reranker: `reranker.clip` None (or the student's own) when the towers are shared.
        config: everything else.

    """
    assert student.clip is not None, "a student is saved with its towers"
    own = reranker.clip is not None and reranker.clip is not student.clip
    halves = {STUDENT: _halved(student), RERANKER: _halved(reranker, with_clip=own)}
    for name, tensors in halves.items():
        write_tensors(folder / name, tensors)
    description = {
        "format": FORMAT,
        **{k: v for k, v in asdict(config).items() if "preprocessing" not in k},
        "preprocessing": config.preprocessing.as_dict(),
        "student": {**_heads(student), "clip": student.clip.dims.as_dict()},
        "reranker": {
            **_heads(reranker),
            "clip": reranker.clip.dims.as_dict() if own and reranker.clip else None,
            **(
                {"preprocessing": other.as_dict()} if (other := config.reranker_preprocessing) and own else {}
            ),
        },
        "files": {name: sha256_of(folder / name) for name in halves},
    }
    made = build(folder, description, halves, torch.device("cpu"), "float32")
    write_json(folder / DESCRIPTION, {**description, "selftest": made.selftest_vectors()})


def open_bundle(
    folder: Path,
    device: torch.device,
    precision: Precision,
    crop: Crop | None = None,
    frames: int | None = None,
) -> ModelBundle:
    """Reads a bundle folder; hashes are compared, keys are strict, weights are float16 widened to float32."""
    description = describe(folder)
    tensors: dict[str, dict[str, Tensor]] = {}
    for name in (STUDENT, RERANKER):
        path = folder / name
        tensors[name] = read_tensors(path)
        if sha256_of(path) != description.get("files", {}).get(name):
            raise DrivescopeError(
                ErrorKind.UNREADABLE,
                f"{path} is not the file that {DESCRIPTION} describes; get the bundle again.",
            )
    return build(folder, description, tensors, device, precision, crop, frames)


def describe(folder: Path) -> dict[str, Any]:
    """The content of `bundle.json`, its format checked."""
    values = read_json(folder / DESCRIPTION)
    if values.get("format") != FORMAT:
        raise DrivescopeError(
            ErrorKind.UNREADABLE,
            f"{folder / DESCRIPTION} has format {values.get('format')}, this program reads format {FORMAT}.",
        )
    return values


def build(
    folder: Path,
    description: dict[str, Any],
    tensors: dict[str, dict[str, Tensor]],
    device: torch.device,
    precision: Precision,
    crop: Crop | None = None,
    frames: int | None = None,
) -> ModelBundle:
    """Modules from a description and its tensors. `folder` is for sentences about errors only."""
    try:
        student_facts, reranker_facts = description["student"], description["reranker"]
        spec = _spec_of(description, crop, frames)
        student, reranker = _build_heads(student_facts), _build_heads(reranker_facts)
        student_dims = ClipDims(**student_facts["clip"])
        reranker_dims = ClipDims(**reranker_facts["clip"]) if reranker_facts["clip"] else None
    except (KeyError, TypeError, ValueError) as error:
        raise DrivescopeError(
            ErrorKind.UNREADABLE, f"{folder / DESCRIPTION} is incomplete.", detail=repr(error)
        ) from error
    if not isinstance(reranker, XClip):
        raise DrivescopeError(ErrorKind.UNREADABLE, f"{folder / DESCRIPTION} names no X-CLIP reranker.")
    if spec.frames > reranker.frames:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"The bundle {spec.name} was trained with {reranker.frames} frames per clip and takes no more.",
        )
    towers: list[ClipTower] = []
    for heads, dims, name in ((student, student_dims, STUDENT), (reranker, reranker_dims, RERANKER)):
        clip = load_heads(heads, dims.shapes() if dims else {}, tensors[name], folder / name)
        towers += [ClipTower(dims, clip, spec.preprocessing[len(towers)])] if dims else []
    return ModelBundle(
        spec=spec,
        towers=tuple(towers),
        student=student,
        reranker=reranker,
        device=device,
        precision=precision,
        padded_words=bool(description["padded_words"]),
        expected=description.get("selftest") if spec.crop == description["crop"] else None,
    )


def _spec_of(description: dict[str, Any], crop: Crop | None, frames: int | None) -> BundleSpec:
    """What a description says of a bundle, with another crop or number of frames where one is asked for."""
    student, reranker = description["student"], description["reranker"]
    preprocessing = [description["preprocessing"]]
    if reranker["clip"]:
        preprocessing.append(reranker.get("preprocessing", description["preprocessing"]))
    return BundleSpec(
        name=description["name"],
        title=description["title"],
        label=description["label"],
        crop=crop or check_crop(description["crop"]),
        frames=frames or int(description["frames"]),
        student_dim=int(student["width"]),
        reranker_dim=int(reranker["width"]),
        quick_gelu=bool(student["clip"]["quick_gelu"]),
        weights_sha256=(description["files"][STUDENT], description["files"][RERANKER]),
        context_words=int(description["words"]),
        synthetic=bool(description["synthetic"]),
        preprocessing=tuple(map(Preprocessing.from_dict, preprocessing)),
        frame_lengths=_frame_lengths(student, reranker),
        note=str(description.get("note", "")),
    )


def _frame_lengths(*heads: dict[str, Any]) -> tuple[float, ...]:
    """Student's and reranker's, or nothing if neither has one."""
    lengths = tuple(float(facts.get("frame_length", 0.0)) for facts in heads)
    return lengths if any(lengths) else ()


def random_bundle(
    folder: Path,
    seed: int = 0,
    *,
    height: int = 36,
    width: int = 64,
    patch: int = 4,
    embed_dim: int = 64,
    layers: int = 1,
    frames: int = 12,
    words: int = 32,
    crop: Crop = "squash",
    name: str = "random",
) -> Path:
    """Writes a small bundle with random weights, for tests that need no meaning. Returns the folder."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        dims = ClipDims(
            image_height=height,
            image_width=width,
            patch=patch,
            vision_width=64,
            vision_layers=layers,
            text_width=64,
            text_layers=layers,
            embed_dim=embed_dim,
        )
        backbone = Backbone(dims)
        student = TeachClip(backbone, width=embed_dim, temporal_layers=1, mask_frames=True)
        student.start_from_text_tower(backbone)
        reranker = XClip(None, width=embed_dim, words=words, frames=frames, temporal_layers=1)
    config = BundleConfig(
        name=name,
        title="Random weights",
        label="random weights, for tests",
        preprocessing=Preprocessing(height, width),
        crop=crop,
        frames=frames,
        words=words,
        synthetic=True,
    )
    save_bundle(folder, student, reranker, config)
    return folder


def _halved(module: Clip4Clip, with_clip: bool = True) -> dict[str, Tensor]:
    return {
        name: value.half()
        for name, value in module.state_dict().items()
        if with_clip or not name.startswith("clip.")
    }


def _heads(module: Clip4Clip) -> dict[str, Any]:
    """What `_build_heads` needs to make the same module again."""
    blocks = module.transformerClip
    facts: dict[str, Any] = {
        "kind": type(module).__name__.lower(),
        "width": module.width,
        "header": module.header,
        "temporal_layers": len(blocks.resblocks) if blocks else 0,
        "positions": 0 if module.header == "meanP" else len(module.frame_position_embeddings.weight),
    }
    if isinstance(module, XClip):
        facts |= {"words": module.words, "frames": module.frames}
    if not module.unit_frames:
        facts |= {"unit_frames": False}
    if module.frame_length > 0:
        facts |= {"frame_length": module.frame_length}
    if blocks and (heads := _attention_heads(blocks)) != max(1, module.width // 64):
        facts |= {"heads": heads}
    if isinstance(module, TeachClip):
        facts |= {"mask_frames": module.mask_frames}
    return facts


def _attention_heads(blocks: TemporalTransformer) -> int:
    first = blocks.resblocks[0]
    assert isinstance(first, Block)
    return first.attn.num_heads


def _build_heads(facts: dict[str, Any]) -> Clip4Clip:
    """The heads that `_heads` described, without towers, weights still to come."""
    made = _bare_heads(facts)
    made.frame_length = float(facts.get("frame_length", 0.0))
    return made


def _bare_heads(facts: dict[str, Any]) -> Clip4Clip:
    shared = {
        "width": int(facts["width"]),
        "temporal_layers": int(facts["temporal_layers"]),
        "positions": int(facts["positions"]),
    }
    heads = int(facts["heads"]) if "heads" in facts else None
    with torch.device("meta"):
        if facts["kind"] == "teachclip":
            return TeachClip(None, **shared, heads=heads, mask_frames=bool(facts["mask_frames"]))
        if facts["kind"] == "xclip":
            sizes = {"words": int(facts["words"]), "frames": int(facts["frames"])}
            return XClip(None, **shared, **sizes, heads=heads, header=facts["header"])
        if facts["kind"] == "clip4clip":
            unit_frames = bool(facts.get("unit_frames", True))
            return Clip4Clip(None, **shared, heads=heads, header=facts["header"], unit_frames=unit_frames)
    raise ValueError(f"unknown kind {facts['kind']}")
