"""The towers that distillation learns on: frozen ones that are looked up, and ones whose top blocks learn.

Only CLIPs of OpenAI's form can be written into a bundle folder, so only they can be a distilled bundle's backbone.
What lies below the opened blocks never changes; its tokens are computed once and read from disk at every step.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.errors import DrivescopeError, ErrorKind
from core.models import catalogue, file_bundle, store, zero_shot
from core.models.backbone import Backbone, ClipDims
from core.models.bundle_io import RERANKER, STUDENT, describe
from core.models.checkpoints import open_checkpoint
from core.models.files import read_tensors
from core.models.preprocess import Preprocessing
from core.models.registry import bundle_folder
from core.models.selftest import picture
from core.models.tokens import ClipTokenizer
from core.training.distill_rows import Rows, Say, TextBatch, TextRows, decoded

if TYPE_CHECKING:
    from core.library.library import Library
    from core.models.bundle import ModelBundle

CLIPS_AT_ONCE: Final = 8
ROOM: Final = 1.1
"""Free space that must be there, as a multiple of what will be written."""


@dataclass(frozen=True)
class TowerWeights:
    """A tower pair as a bundle's files hold it, float32 in OpenAI's layout."""

    dims: ClipDims
    tensors: dict[str, Tensor]
    preprocessing: Preprocessing

    @property
    def log_scale(self) -> float:
        """The log of the logit scale that the towers were trained with."""
        return float(self.tensors["logit_scale"])

    def backbone(self) -> Backbone:
        """Modules with these weights."""
        made = Backbone.without_weights(self.dims)
        made.load_state_dict({name: tensor.clone() for name, tensor in self.tensors.items()}, assign=True)
        return made.eval()


def weights_of(name: str) -> TowerWeights:
    """The reranker's towers of a bundle (the student's too, where they are shared).

    Raises DrivescopeError(BAD_INPUT) for towers of another form than OpenAI's.
    """
    if name.startswith(file_bundle.PREFIX):
        part = file_bundle.parse(name)[-1]
        checkpoint = open_checkpoint(part.path, part.quick_gelu)
        return TowerWeights(checkpoint.dims, checkpoint.parts()[1], file_bundle.preprocessing_of(checkpoint))
    entry = catalogue.entries().get(name)
    if entry is not None:
        dims = zero_shot.plain_dims(entry.architecture, entry.quick_gelu)
        if dims is None:
            raise DrivescopeError(
                ErrorKind.BAD_INPUT,
                f"{entry.title} is built otherwise than OpenAI's CLIP, and heads for it cannot be written into a "
                "bundle: index the footage with a ViT of OpenAI's form (e.g. vit-b-32-openai) and distil that.",
            )
        checkpoint = open_checkpoint(store.require(entry).weights, dims.quick_gelu)
        return TowerWeights(dims, checkpoint.parts()[1], entry.preprocessing)
    folder = bundle_folder(name)
    facts = describe(folder)
    own = facts["reranker"]["clip"]
    tensors = read_tensors(folder / (RERANKER if own else STUDENT))
    preprocessing = (facts["reranker"].get("preprocessing") if own else None) or facts["preprocessing"]
    return TowerWeights(
        ClipDims(**(own or facts["student"]["clip"])),
        {key[5:]: tensor.float() for key, tensor in tensors.items() if key.startswith("clip.")},
        Preprocessing.from_dict(preprocessing),
    )


def frame_length_of(bundle: ModelBundle) -> float:
    """How long this bundle's raw frame vectors are, by the self-test's picture.

    A library keeps unit vectors only; heads that began on raw ones must be given frames of their own length. In
    one bundle lengths hardly differ (drive-tiny: 23.6, standard deviation 0.6, over frames of the demo clips).
    """
    if bundle.reranker.frame_length > 0:
        return bundle.reranker.frame_length
    vectors = bundle.encode_frames([bundle.prepare(picture())])[-1]  # (1, D)
    return float(vectors.norm(dim=-1).mean())


class FrozenTower:
    """Captions and clips looked up: nothing of the towers learns."""

    def __init__(self, texts: TextRows, frames: Any, rows: Sequence[int], device: torch.device) -> None:  # noqa: ANN401
        """`frames` is any array (N, F, D) of unit vectors, `rows[p]` the place of clip number p in it."""
        self._texts, self._frames, self._device = texts, frames, device
        self._rows = np.asarray(rows, np.int64)

    def frames(self, clips: Sequence[int]) -> Tensor:
        """Unit frame vectors (B, F, D) of the clips with these numbers."""
        rows = self._rows[list(clips)]
        return torch.from_numpy(np.asarray(self._frames[rows], np.float32)).to(self._device)

    def texts(self, rows: Sequence[int]) -> TextBatch:
        """Vectors of the captions with these numbers."""
        return self._texts.pick(rows, self._device)


class OpenTower(nn.Module):
    """Towers whose top `count` blocks, last norms and projections learn, in float32 master weights."""

    def __init__(self, weights: TowerWeights, count: int, words: int, device: torch.device) -> None:
        super().__init__()
        most = min(weights.dims.vision_layers, weights.dims.text_layers)
        if not 1 <= count <= most:
            raise DrivescopeError(
                ErrorKind.BAD_INPUT,
                f"These towers have {most} blocks to open; --finetune {count} is not among them.",
            )
        self.clip = weights.backbone().requires_grad_(False).to(device)
        self._below_image = weights.dims.vision_layers - count
        self._below_text = weights.dims.text_layers - count
        self._limit, self._device = words, device
        visual = self.clip.visual
        for part in (
            *visual.transformer.resblocks[self._below_image :],
            *self.clip.transformer.resblocks[self._below_text :],
            visual.ln_post,
            self.clip.ln_final,
        ):
            part.requires_grad_(True)
        visual.proj.requires_grad_(True)
        self.clip.text_projection.requires_grad_(True)

    def fill(
        self,
        folder: Path,
        library: Library,
        bundle: ModelBundle,
        clip_ids: Sequence[int],
        texts: Sequence[str],
        key: str,
        say: Say,
    ) -> None:
        """Everything below the opened blocks, once: decodes the clips and keeps their tokens in float16."""
        views = 3 if bundle.spec.crop == "three" else 1

        def pictures(first: int) -> Iterator[Tensor]:
            for prepared in decoded(library, clip_ids[first:], bundle.spec.frames, bundle):
                frames = torch.stack([frame[-1].expand(views, -1, -1, -1) for frame in prepared])
                yield bundle.towers[-1].preprocessing.normalise(frames.flatten(0, 1).to(self._device))

        self.read(folder, key, pictures, (len(clip_ids), bundle.spec.frames, views), texts, say)

    def read(
        self,
        folder: Path,
        key: str,
        pictures: Callable[[int], Iterator[Tensor]],
        size: tuple[int, int, int],
        texts: Sequence[str],
        say: Say = lambda line, share: None,
    ) -> None:
        """Keeps what lies below the opened blocks of clips, and the tokens of captions; clips and captions get numbers.

        Args:
            folder: where the clips' tokens are written, in float16.
            key: tokens that another key left there are thrown away.
            pictures: called with a clip's number, gives the normalised frames (n * F * V, 3, h, w) of that one and
                those after it, one or more whole clips at a time.
            size: clips, frames F, crops V.
            texts: the captions.
            say: hears how far it is.
        """
        dims = self.clip.dims
        clips, frames, views = size
        shape = (frames, views, 1 + dims.grid[0] * dims.grid[1], dims.vision_width)
        _check_room(folder, 2 * int(np.prod(shape)) * clips)
        self._tokens = Rows(folder / "tokens.f16", "<f2", shape, key)
        if self._tokens.count < clips:
            for pixels in pictures(self._tokens.count):
                self._tokens.append(self._lower_image(pixels).float().cpu().numpy().reshape(-1, *shape))
                say("reading frames", self._tokens.count / clips)
        tokenizer = ClipTokenizer()
        self._ids = [torch.tensor([tokenizer(text, self._limit).ids]) for text in texts]

    @torch.no_grad()
    def _lower_image(self, images: Tensor) -> Tensor:
        tokens: Tensor = self.clip.visual._embeds(images)  # (N, L, Wv)
        for block in self.clip.visual.transformer.resblocks[: self._below_image]:
            tokens = block(tokens)
        return tokens

    def frames(self, clips: Sequence[int]) -> Tensor:
        """Frame vectors (B, F, D) of the clips with these numbers, the mean over crops; gradients flow."""
        tokens = torch.from_numpy(np.asarray(self._tokens.array[list(clips)], np.float32)).to(self._device)
        B, F, V = tokens.shape[:3]
        x = tokens.flatten(0, 2)  # (B * F * V, L, Wv)
        *lower, last = self.clip.visual.transformer.resblocks[self._below_image :]
        for block in lower:
            x = block(x)
        first = self.clip.visual.ln_post(_class_token(last, x))  # (B * F * V, Wv)
        joint: Tensor = first @ self.clip.visual.proj  # (B * F * V, D)
        return joint.view(B, F, V, -1).mean(dim=2)

    def texts(self, rows: Sequence[int]) -> TextBatch:
        """Vectors of the captions with these numbers; gradients flow."""
        longest = max(self._ids[row].shape[1] for row in rows)
        ids = torch.cat(
            [functional.pad(self._ids[row], (0, longest - self._ids[row].shape[1])) for row in rows]
        )
        mask = torch.arange(longest) <= ids.argmax(dim=1, keepdim=True)  # (N, W)
        sentence, words = self.clip.encode_text(ids.to(self._device))
        return TextBatch(
            functional.normalize(sentence.float(), dim=-1),
            functional.normalize(words.float(), dim=-1),
            mask.to(self._device),
        )

    @torch.no_grad()
    def settle(self, clips: int, texts: int) -> SettledTower:
        """What the tower says now of everything, once it has learned enough."""
        frames = [
            self.frames(range(at, min(at + CLIPS_AT_ONCE, clips))) for at in range(0, clips, CLIPS_AT_ONCE)
        ]
        batches = [self.texts(range(at, min(at + 64, texts))) for at in range(0, texts, 64)]
        return SettledTower(functional.normalize(torch.cat(frames).float(), dim=-1), batches)


class SettledTower(nn.Module):
    """A tower that has learned and is looked up from now on, in memory.

    `all_frames` (N, F, D) are unit vectors, `batches` the captions, 64 each.
    """

    def __init__(self, all_frames: Tensor, batches: list[TextBatch]) -> None:
        super().__init__()
        self.all_frames, self.batches = all_frames, batches

    def frames(self, clips: Sequence[int]) -> Tensor:
        """Unit frame vectors (B, F, D)."""
        return self.all_frames[list(clips)]

    def texts(self, rows: Sequence[int]) -> TextBatch:
        """Vectors of the captions with these numbers."""
        sentence = torch.stack([self.batches[row // 64].sentence[row % 64] for row in rows])
        masks = [self.batches[row // 64].mask for row in rows]
        lengths = [
            int(mask[row % 64].sum()) for mask, row in zip(masks, rows, strict=True) if mask is not None
        ]
        words = sentence.new_zeros(len(rows), max(lengths), sentence.shape[-1])
        for at, (row, length) in enumerate(zip(rows, lengths, strict=True)):
            words[at, :length] = self.batches[row // 64].words[row % 64, :length]
        real = torch.arange(words.shape[1], device=sentence.device) < torch.tensor(
            lengths, device=sentence.device
        ).unsqueeze(1)
        return TextBatch(sentence, words, real)


AnyTower = FrozenTower | OpenTower | SettledTower


def _class_token(block: Any, x: Tensor) -> Tensor:  # noqa: ANN401 - open_clip's, untyped
    """What the last block makes of the class token, (N, L, Wv) to (N, Wv): nothing reads its other rows.

    Of their queries and their share of the MLP, five sixths of the block, nothing is computed.
    """
    near = block.ln_1(x)
    first = x[:, :1] + block.ls_1(block.attention(near[:, :1], near, near))
    made: Tensor = first + block.ls_2(block.mlp(block.ln_2(first)))
    return made[:, 0]


def _check_room(folder: Path, size: int) -> None:
    """Refuses before hours of work what the disk cannot hold."""
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < ROOM * size:
        raise DrivescopeError(
            ErrorKind.DISK_FULL,
            f"Opening blocks of the towers needs {size / 1e9:.1f} GB in {folder} for the frames' tokens, and "
            f"{free / 1e9:.1f} GB are free: make room, or choose --out on another disk.",
        )
