"""One map against the boxes of what it was asked for: pointing game, energy inside, and the level of chance.

Used by `core.explain.truth`, which says what the numbers mean.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.explain.heatmap import Heatmap
from core.world.truth import ACTOR_KINDS, Box, ClipTruth, FrameTruth

LEAST_AREA: Final = 0.0012
LEAST_VISIBLE: Final = 0.25
REACH_M: Final = {"fog": 45.0, "snow": 80.0}
"""What counts as shown is what `core.world.truth.shown` says."""
AREAS: Final = ("faithfulness", "several", "among_kinds", "cosine")
"""Insertion minus deletion areas; `core.explain.truth` says of what."""


@dataclass
class Tally:
    """Sums over the maps of one method and one kind of actor."""

    maps: int = 0
    hits: int = 0
    chance: float = 0.0
    energy: float = 0.0
    area: float = 0.0
    faithfulness: list[float] = field(default_factory=list)
    several: list[float] = field(default_factory=list)
    among_kinds: list[float] = field(default_factory=list)
    cosine: list[float] = field(default_factory=list)
    reliable: int = 0

    def row(self) -> dict[str, float]:
        """Means over the maps."""
        n = max(self.maps, 1)
        judged = max(len(self.faithfulness), 1)
        return {
            "maps": self.maps,
            "pointing": self.hits / n,
            "chance": self.chance / n,
            "times_chance": self.hits / max(self.chance, 1e-9),
            "energy": self.energy / n,
            "area": self.area / n,
            "reliable": self.reliable / judged,
            **{name: float(np.mean(getattr(self, name) or [0.0])) for name in AREAS},
        }

    def add(self, other: Tally) -> None:
        """Takes in another tally."""
        for name in ("maps", "hits", "chance", "energy", "area", "reliable"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in AREAS:
            getattr(self, name).extend(getattr(other, name))


def kind_of(clip: ClipTruth, frame: FrameTruth, actor_id: int) -> str:
    """The kind under which an actor is asked for; a signal counts by its state, "" for one that is neither."""
    kind = clip.actor(actor_id).kind
    if kind == "traffic light":
        state = frame.signals.get(actor_id, "")
        return {"red": "red light", "red and amber": "red light", "green": "green light"}.get(state, "")
    return kind if kind in ACTOR_KINDS else ""


def boxes_of(clip: ClipTruth, frame: FrameTruth) -> dict[str, list[Box]]:
    """The boxes of every kind that can be made out in a frame; kinds of which a box is too small to judge stay out."""
    reach = REACH_M.get(clip.weather, 150.0)
    found: dict[str, list[Box]] = defaultdict(list)
    clear: set[str] = set()
    for box in frame.boxes:
        kind = kind_of(clip, frame, box.actor_id)
        if not kind:
            continue
        found[kind].append(box)  # a peak on a hidden one of the kind is no mistake either
        if box.area >= LEAST_AREA and box.visible >= LEAST_VISIBLE and box.distance_m < reach:
            clear.add(kind)
    return {kind: boxes for kind, boxes in found.items() if kind in clear}


def coverage(boxes: Sequence[Box], one: Heatmap, grow: float = 0.0) -> NDArray[np.float32]:
    """How much of each patch the boxes cover, (V, rows, columns) in 0..1.

    With `grow`, boxes reach that many patches further on every side.
    """
    _, rows, columns = one.relevance.shape
    covered = []
    for view in one.views:
        patch_h, patch_w = (view.y1 - view.y0) / rows, (view.x1 - view.x0) / columns
        fine = np.zeros((rows * 8, columns * 8), bool)
        y, x = view.centres(rows * 8, columns * 8)
        for box in boxes:
            inside_y = (y >= box.y0 - grow * patch_h) & (y <= box.y1 + grow * patch_h)
            inside_x = (x >= box.x0 - grow * patch_w) & (x <= box.x1 + grow * patch_w)
            fine |= inside_y[:, None] & inside_x[None, :]
        covered.append(fine.reshape(rows, 8, columns, 8).mean(axis=(1, 3)))
    return np.stack(covered).astype(np.float32)


def hits_of(boxes: Sequence[Box], one: Heatmap) -> NDArray[np.bool_]:
    """(V, rows, columns) True for patches whose centre lies in a box, with half a patch of tolerance."""
    _, rows, columns = one.relevance.shape
    found = []
    for view in one.views:
        y, x = view.centres(rows, columns)
        half_h, half_w = (view.y1 - view.y0) / rows / 2, (view.x1 - view.x0) / columns / 2
        hit = np.zeros((rows, columns), bool)
        for box in boxes:
            inside_y = (y >= box.y0 - half_h) & (y <= box.y1 + half_h)
            inside_x = (x >= box.x0 - half_w) & (x <= box.x1 + half_w)
            hit |= inside_y[:, None] & inside_x[None, :]
        found.append(hit)
    return np.stack(found)


def measure(one: Heatmap, boxes: Sequence[Box]) -> Tally:
    """One map against its boxes."""
    hit = hits_of(boxes, one)
    inside = np.stack([view.inside(*hit.shape[1:]) for view in one.views])
    peak = np.where(inside, one.relevance, -np.inf).argmax()
    covered = coverage(boxes, one)
    heat = one.heat * inside
    return Tally(
        maps=1,
        hits=int(hit.ravel()[peak]),
        chance=float(hit[inside].mean()),
        energy=float((heat * covered).sum() / heat.sum()) if heat.sum() > 0 else 0.0,
        area=float(covered[inside].mean()),
    )
