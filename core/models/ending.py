"""The end of a vision transformer as modules in float32: what explaining a score needs gradients through.

A packed tower has no modules but these: all six blocks of drive-tiny, 11 MB, two blocks of a ViT-B/32, 57 MB.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from core.models.backbone import ClipDims
from core.models.temporal import Block

FEWEST_BLOCKS: Final = 2
MOST_BYTES: Final = 64_000_000
"""What float32 copies of blocks may take beside the packed ones: from the first block on, taking a patch away is
exact, so a small tower is opened whole."""
CLIP_EPS: Final = 1e-5


def opened_blocks(layers: int, width: int) -> int:
    """How many of a tower's last blocks are kept as modules."""
    bytes_each = 4 * 12 * width * width  # attention 4 width^2, MLP 8 width^2
    return min(layers, max(FEWEST_BLOCKS, MOST_BYTES // bytes_each))


@dataclass(frozen=True)
class VisionEnding:
    """Last blocks, last norm and projection of one image tower."""

    blocks: tuple[Any, ...]  # residual attention blocks with open_clip's names, in order
    norm: nn.Module
    projection: Tensor  # (width, joint)

    @classmethod
    def of(cls, visual: Any) -> VisionEnding:  # noqa: ANN401 - open_clip has no types
        """Of open_clip's VisionTransformer; the modules themselves where they are in float32, else copies."""
        blocks = list(visual.transformer.resblocks)
        blocks = blocks[-opened_blocks(len(blocks), visual.proj.shape[0]) :]
        return cls(tuple(map(_in_float32, blocks)), _in_float32(visual.ln_post), visual.proj.detach().float())

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Tensor], dims: ClipDims) -> VisionEnding:
        """Of a state dict in OpenAI's layout; its float32 tensors are used, not copied."""
        opened = opened_blocks(dims.vision_layers, dims.vision_width)
        layers = range(dims.vision_layers - opened, dims.vision_layers)
        blocks = []
        for layer in layers:
            with torch.device("meta"):
                block = Block(dims.vision_width, dims.vision_heads, CLIP_EPS, dims.quick_gelu)
            _assign(block, tensors, f"visual.transformer.resblocks.{layer}.")
            block.ls_1, block.ls_2 = nn.Identity(), nn.Identity()  # scales that other towers have
            blocks.append(block)
        norm = nn.LayerNorm(dims.vision_width, eps=CLIP_EPS)
        _assign(norm, tensors, "visual.ln_post.")
        return cls(tuple(blocks), norm, tensors["visual.proj"])


def _assign(module: nn.Module, tensors: Mapping[str, Tensor], prefix: str) -> None:
    names = [name for name in tensors if name.startswith(prefix)]
    module.load_state_dict({name.removeprefix(prefix): tensors[name] for name in names}, assign=True)
    module.eval().requires_grad_(False)


def _in_float32(module: Any) -> Any:  # noqa: ANN401 - open_clip has no types
    if next(module.parameters()).dtype == torch.float32:
        return module
    return copy.deepcopy(module).float()
