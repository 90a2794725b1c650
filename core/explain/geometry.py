"""From a tower's patch grid back to the picture: which part of the frame a tower saw, and maps drawn onto it.

Everything is in shares of the frame (x to the right, y down, 0 to 1), so an overlay needs no pixel size. The
arithmetic is that of `core.models.preprocess.prepare`; a test paints coordinates into a frame and reads them back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.models.preprocess import Crop, Preprocessing

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """The rectangle of the frame that a tower saw. It reaches beyond 0..1 where there were letterbox bars."""

    x0: float
    y0: float
    x1: float
    y1: float

    def centres(self, rows: int, columns: int) -> tuple[Floats, Floats]:
        """Where the centres of a grid's cells lie in the frame: y (rows,) and x (columns,)."""
        y = self.y0 + (np.arange(rows) + 0.5) / rows * (self.y1 - self.y0)
        x = self.x0 + (np.arange(columns) + 0.5) / columns * (self.x1 - self.x0)
        return y.astype(np.float32), x.astype(np.float32)

    def inside(self, rows: int, columns: int) -> NDArray[np.bool_]:
        """(rows, columns) True for cells whose centre lies in the frame, not in a bar."""
        y, x = self.centres(rows, columns)
        return ((y > 0) & (y < 1))[:, None] & ((x > 0) & (x < 1))[None, :]


def views(height: int, width: int, preprocessing: Preprocessing, crop: Crop) -> tuple[View, ...]:
    """What `prepare` shows of a frame of height x width pixels: one view, or three."""
    h, w = preprocessing.height, preprocessing.width
    if crop == "squash":
        return (View(0.0, 0.0, 1.0, 1.0),)
    if crop == "letterbox":
        scale = min(h / height, w / width)
        inner_h, inner_w = max(1, min(h, round(height * scale))), max(1, min(w, round(width * scale)))
        return (_view(-((h - inner_h) // 2), -((w - inner_w) // 2), h, w, inner_h, inner_w),)
    if width * h >= height * w:
        covering_h, covering_w = h, max(w, int(h * width / height))
    else:
        covering_h, covering_w = max(h, int(w * height / width)), w
    excess_y, excess_x = covering_h - h, covering_w - w
    corners = [(round(excess_y / 2), round(excess_x / 2))]
    if crop == "three" and (excess_y or excess_x):
        corners = [(0, 0), corners[0], (excess_y, excess_x)]
    return tuple(_view(top, left, h, w, covering_h, covering_w) for top, left in corners)


def _view(top: int, left: int, h: int, w: int, whole_h: int, whole_w: int) -> View:
    """A window of h x w at (top, left) of a picture that is whole_h x whole_w."""
    return View(left / whole_w, top / whole_h, (left + w) / whole_w, (top + h) / whole_h)


def paint(grids: Floats, seen: tuple[View, ...], height: int, width: int) -> Floats:
    """Draws the maps of a frame's views onto the frame.

    Args:
        grids: (V, rows, columns), one map per view.
        seen: the V views.
        height: of the result, in pixels.
        width: likewise.

    Returns:
        (height, width) float32, bilinear between cell centres, the mean where views overlap, 0 where none looked.

    """
    y = (np.arange(height) + 0.5) / height
    x = (np.arange(width) + 0.5) / width
    total = np.zeros((height, width), np.float32)
    count = np.zeros((height, width), np.float32)
    for grid, view in zip(grids, seen, strict=True):
        rows, columns = grid.shape
        rise = _positions(y, view.y0, view.y1, rows)
        run = _positions(x, view.x0, view.x1, columns)
        here = ((y >= view.y0) & (y < view.y1))[:, None] & ((x >= view.x0) & (x < view.x1))[None, :]
        total += np.where(here, rise @ grid @ run.T, 0.0)
        count += here
    return (total / np.maximum(count, 1)).astype(np.float32)


def _positions(points: NDArray[np.float64], start: float, end: float, cells: int) -> Floats:
    """(n, cells) weights of linear interpolation between cell centres, the outer cells going on to the edge."""
    at = np.clip((points - start) / (end - start) * cells - 0.5, 0, cells - 1)  # (n,)
    distance = np.abs(at[:, None] - np.arange(cells)[None, :])
    return np.maximum(0.0, 1.0 - distance).astype(np.float32)
