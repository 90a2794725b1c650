"""A start from which four thousand clips are enough: towers whose first vectors already differ.

Freshly drawn, a vision tower gives nearly the same vector for every frame, because the class token begins as one
large constant; and a text tower's sentences share most of theirs. Contrast then needs hundreds of steps to see
anything at all. Three changes of the first values, none of the architecture, take that time away: the class token
begins at zero and so collects what the patches say, positions begin as smooth waves, and the last norm's bias
takes the common vector of a first batch away.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from core.models.backbone import Backbone


@torch.no_grad()
def wake(clip: Backbone, images: Tensor, ids: Tensor) -> None:
    """Set the first values of both towers.

    Args:
        clip: freshly made towers.
        images: (N, 3, h, w) normalised, some dozens.
        ids: (M, W) int64 of different sentences, padded.
    """
    clip.visual.class_embedding.zero_()
    clip.visual.positional_embedding[0] = 0
    clip.visual.positional_embedding[1:] = waves(*clip.dims.grid, clip.dims.vision_width) * 0.05
    tokens = clip.vision_tokens(images)  # (N, L, Wv)
    _centre(clip.visual.ln_post, tokens[:, 0])
    hidden: list[Tensor] = []
    handle = clip.ln_final.register_forward_hook(lambda module, given, out: hidden.append(given[0]))
    clip.encode_text(ids)
    handle.remove()
    _centre(clip.ln_final, hidden[0][torch.arange(len(ids)), ids.argmax(dim=1)])


def _centre(norm: nn.Module, vectors: Tensor) -> None:
    """Shift a LayerNorm's bias so that these vectors (N, W) come out of it with mean zero."""
    assert isinstance(norm, nn.LayerNorm), "towers end in a LayerNorm"
    norm.bias.sub_(norm(vectors).mean(dim=0))


def waves(rows: int, columns: int, width: int) -> Tensor:
    """Sine and cosine of row and column at falling wavelengths: (rows * columns, width), row-major."""
    count = math.ceil(width / 4)
    pace = torch.exp(-math.log(100.0) * torch.arange(count) / count)  # (count,)
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    angles = [place.flatten()[:, None] * pace for place in (y, x)]  # each (P, count)
    return torch.cat([f(a) for a in angles for f in (torch.sin, torch.cos)], dim=1)[:, :width]
