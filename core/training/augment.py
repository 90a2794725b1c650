"""Small changes of a clip that change no caption: light, contrast, a shift sideways.

Never a mirror image: left and right are what half of the captions are about.
"""

from __future__ import annotations

import torch
from torch import Tensor


def light(clips: int, amount: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Contrast and brightness of each clip (one draw per clip, so that a clip stays one film).

    Returns:
        gain and lift, (clips,) each: a pixel p in 0..255 becomes gain * p + lift. Contrast turns around mid grey.
    """
    contrast, brightness = amount * (2 * torch.rand(2, clips, generator=generator) - 1)
    return 1 + contrast, 127.5 * (brightness - contrast)


def shift(
    frames: Tensor, cells: Tensor, cell: int, generator: torch.Generator, most: int = 6
) -> tuple[Tensor, Tensor]:
    """Move each clip sideways by up to `most` pixels, its cell labels along with it.

    Args:
        frames: (B, F, 3, h, w) any dtype; the border column is repeated.
        cells: (B, F, gh, gw) labels, moved by the nearest whole number of cells, empty at the border.
        cell: width of a cell in pixels.
        generator: where the draws come from.
        most: largest move in pixels.
    """
    moves = torch.randint(-most, most + 1, (len(frames),), generator=generator).tolist()
    width, columns = frames.shape[-1], cells.shape[-1]
    at = torch.arange(width)
    moved, labels = [], []
    for clip, marks, by in zip(frames, cells, moves, strict=True):
        moved.append(clip[..., (at - by).clamp(0, width - 1)])
        steps = round(by / cell)
        source = torch.arange(columns) - steps
        inside = (source >= 0) & (source < columns)
        labels.append(marks[..., source.clamp(0, columns - 1)] * inside)
    return torch.stack(moved), torch.stack(labels)
