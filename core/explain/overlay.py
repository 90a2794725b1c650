"""A map over its frame: warm where the query is answered, the frame's own colours everywhere else.

The colours and how much of the frame they cover are those of the window (`core.protocol.heat_colours`). A map that
failed its faithfulness test is hatched, so that nobody takes it for a finding.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from core.protocol.heat_colours import COLOURS, cover

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]

STRIPE: Final = 12
"""Distance of the hatching's lines, in pixels of a frame 720 high."""
_COLOURS: Final = np.array(COLOURS, np.uint8)  # (256, 3)
_COVER: Final = np.array([cover(level / 255) for level in range(256)], np.float32)


def overlay(rgb: Pixels, heat: Floats, *, reliable: bool, opacity: float = 1.0) -> Pixels:
    """Lays a map over a frame.

    Args:
        rgb: (H, W, 3) uint8.
        heat: (H, W) from 0 to 1, as `Heatmap.on_frame` gives it.
        reliable: False hatches the map.
        opacity: from 0 (the frame alone) to 1.

    Returns:
        (H, W, 3) uint8.

    """
    level = np.rint(np.clip(heat, 0, 1) * 255).astype(np.uint8)
    covered = opacity * _COVER[level]  # (H, W)
    if not reliable:
        covered = covered * hatching(*level.shape)
    mixed: NDArray[np.float64] = (
        rgb * (1 - covered[..., None]) + _COLOURS[level] * covered[..., None]
    )  # (H, W, 3)
    return mixed.round().astype(np.uint8)


def hatching(height: int, width: int) -> Floats:
    """(height, width) diagonal lines, 1 on a line and 0 between."""
    step = max(4, round(STRIPE * height / 720))
    y, x = np.mgrid[0:height, 0:width]
    lines: Floats = ((x + y) % step < step / 3).astype(np.float32)
    return lines


def png(rgb: Pixels) -> bytes:
    """(H, W, 3) uint8 as a PNG file."""
    _, data = cv2.imencode(".png", np.ascontiguousarray(rgb[:, :, ::-1]))
    return data.tobytes()
