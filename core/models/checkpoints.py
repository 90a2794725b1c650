"""Researchers' checkpoint files: recognised by what is in them, loaded without running anything in them.

CLIP4Clip, X-CLIP and TeachCLIP save a bare state dict whose towers are called `clip.*` with OpenAI's names.
OpenAI's own archives, Hugging Face CLIP and mmaction2's files are renamed to that. What the heads are, and how
large everything is, is read off keys and shapes. The activation is not in any weight: it is known for files of
that family (their code has only QuickGELU) and must otherwise be said, as `file:PATH#quickgelu` or `#gelu`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Final, Literal

import torch
from torch import Tensor

from core.errors import DrivescopeError, ErrorKind
from core.models.backbone import Backbone, ClipDims
from core.models.checkpoint_files import Layout, read_checkpoint
from core.models.clip4clip import Clip4Clip
from core.models.strict import load_heads, load_strictly
from core.models.teachclip import TeachClip
from core.models.xclip import XClip

Head = Literal["meanP", "seqTransf", "seqLSTM", "X-CLIP", "TeachCLIP"]

DEFAULT_WORDS = 32
DEFAULT_FRAMES = 12
_HEADS_BY_KEY: Final[tuple[tuple[str, Head], ...]] = (
    ("frameLinear.weight", "TeachCLIP"),
    ("global_mat_weight", "X-CLIP"),
    ("lstm_visual.weight_ih_l0", "seqLSTM"),
    ("transformerClip.resblocks.0.ln_1.weight", "seqTransf"),
)
"""Keys that only these heads have, the one that tells most first; a file with none of them is meanP."""


@dataclass(frozen=True)
class Checkpoint:
    """A recognised file: renamed tensors and what they make."""

    path: Path
    layout: Layout
    head: Head
    tensors: dict[str, Tensor]  # float32
    dims: ClipDims
    words: int | None  # X-CLIP's matrices decide them, else None
    frames: int | None

    @property
    def label(self) -> str:
        """How the window names it, e.g. "CLIP4Clip checkpoint (seqTransf)"."""
        if self.head in ("X-CLIP", "TeachCLIP"):
            return f"{self.head} checkpoint"
        if self.layout == "CLIP4Clip family":
            return f"CLIP4Clip checkpoint ({self.head})"
        return f"{self.layout} checkpoint"

    def module(self) -> Clip4Clip:
        """Towers and heads as one module with the file's weights, strictly: every key used, none left over."""
        made = self._heads(Backbone.without_weights(self.dims))
        load_strictly(made, self.tensors, self.path)
        return made.eval()

    def parts(self) -> tuple[Clip4Clip, dict[str, Tensor]]:
        """Heads alone with their weights, and the towers' tensors in OpenAI's layout; as strict as `module`."""
        with torch.device("meta"):
            made = self._heads(None)
        return made, load_heads(made, self.dims.shapes(), self.tensors, self.path)

    def _heads(self, clip: Backbone | None) -> Clip4Clip:
        width, positions = self.dims.embed_dim, self._positions()
        layers = _count(self.tensors, "transformerClip.resblocks")
        heads = self.dims.text_heads
        made: Clip4Clip
        if self.head == "X-CLIP":
            made = XClip(
                clip,
                width=width,
                words=self.words or DEFAULT_WORDS,
                frames=self.frames or DEFAULT_FRAMES,
                temporal_layers=layers,
                positions=positions,
                heads=heads,
            )
        elif self.head == "TeachCLIP":
            made = TeachClip(clip, width=width, temporal_layers=layers, positions=positions, heads=heads)
        else:
            made = Clip4Clip(
                clip,
                width=width,
                header=self.head,
                temporal_layers=layers,
                positions=positions,
                heads=heads,
                unit_frames=self.layout != "mmaction2",
            )
        return made

    def _positions(self) -> int:
        table = self.tensors.get("frame_position_embeddings.weight")
        return 0 if table is None else len(table)


def open_checkpoint(path: Path, quick_gelu: bool | None = None) -> Checkpoint:
    """Reads and recognises a `.bin`, `.pt`, `.pth` or `.safetensors` file.

    Args:
        path: the file; its name does not matter.
        quick_gelu: the towers' activation, for files that do not tell; a contradiction is an error.
    """
    read = read_checkpoint(path)
    if read.quick_gelu is None and quick_gelu is None:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"{path} ({read.layout}) does not say whether its towers use QuickGELU or GELU, and the two give "
            f"different numbers. Write file:{path}#quickgelu (OpenAI's weights) or file:{path}#gelu (LAION's).",
        )
    if None not in (read.quick_gelu, quick_gelu) and read.quick_gelu != quick_gelu:
        known = "QuickGELU" if read.quick_gelu else "GELU"
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"{path} is a {read.layout} file, which uses {known}; leave out the # option.",
        )
    tensors = read.tensors
    head = _recognise_head(tensors, path)
    dims = _dims(tensors, bool(read.quick_gelu if quick_gelu is None else quick_gelu), path)
    words, frames = (
        len(tensors[name]) if name in tensors else None
        for name in ("word_logit_weight", "frame_logit_weight")
    )
    return Checkpoint(path, read.layout, head, tensors, dims, words, frames)


def _recognise_head(tensors: dict[str, Tensor], path: Path) -> Head:
    """The heads that a file holds, by the keys that only they have."""
    if any(name.startswith(("cross.", "similarity_dense.")) for name in tensors):
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"{path} is a tightTransf model: it compares every clip anew for every query, which cannot search a "
            "library. Use a meanP, seqTransf, seqLSTM, X-CLIP or TeachCLIP checkpoint.",
        )
    if "clip.visual.conv2.weight" in tensors:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"{path} uses 3d patches (linear_patch 3d), which this program does not have.",
        )
    return next((head for key, head in _HEADS_BY_KEY if key in tensors), "meanP")


def _dims(tensors: dict[str, Tensor], quick_gelu: bool, path: Path) -> ClipDims:
    """Sizes of both towers from the shapes; a missing key is named."""
    try:
        patch = tensors["clip.visual.conv1.weight"].shape[-1]
        vision_width = len(tensors["clip.visual.class_embedding"])
        grid = isqrt(len(tensors["clip.visual.positional_embedding"]) - 1)
        context, text_width = tensors["clip.positional_embedding"].shape
        embed_dim = tensors["clip.text_projection"].shape[1]
        vocabulary = len(tensors["clip.token_embedding.weight"])
    except KeyError as error:
        raise DrivescopeError(
            ErrorKind.UNREADABLE,
            f"{path} misses the key {error.args[0]}: it is no checkpoint of CLIP4Clip, X-CLIP, TeachCLIP or CLIP "
            "with a vision transformer.",
        ) from error
    except (ValueError, IndexError) as error:
        raise DrivescopeError(
            ErrorKind.UNREADABLE, f"{path} has towers of unexpected shapes.", detail=str(error)
        ) from error
    return ClipDims(
        image_height=grid * patch,
        image_width=grid * patch,
        patch=patch,
        vision_width=vision_width,
        vision_layers=_count(tensors, "clip.visual.transformer.resblocks"),
        text_width=text_width,
        text_layers=_count(tensors, "clip.transformer.resblocks"),
        embed_dim=embed_dim,
        context=context,
        vocabulary=vocabulary,
        quick_gelu=quick_gelu,
    )


def _count(tensors: dict[str, Tensor], prefix: str) -> int:
    """How many blocks there are under a prefix."""
    found = (re.match(re.escape(prefix) + r"\.(\d+)\.", name) for name in tensors)
    return len({match.group(1) for match in found if match})
