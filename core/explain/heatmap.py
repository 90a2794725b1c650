"""Which pixels of which frame answer a query: heatmaps of one clip, by any method, with their faithfulness.

`ClipSight` holds a clip's sampled frames as the reranker's tower sees them and gives maps for any number of targets
(`targets.py`) and methods (`methods.py`); what they share is computed once. Frame n's map belongs to sample time n.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from core.explain import faithfulness
from core.explain.faithfulness import Faithfulness
from core.explain.geometry import View, paint, views
from core.explain.methods import Method, check_method, methods_of, relevance_of
from core.explain.rivals import certainty, rivals_of
from core.explain.targets import Target
from core.explain.vision import Vision, open_vision
from core.models.preprocess import prepare

if TYPE_CHECKING:
    from core.models.bundle import ModelBundle

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Heatmap:
    """One frame's map. Raw relevance can be compared within one call of `ClipSight.maps`, not across methods."""

    method: Method
    target: str
    frame: int  # number in the clip
    score: float  # cosine of the frame with the target (for a difference: of the two cosines)
    relevance: Floats  # (V, rows, columns) signed; 0 in letterbox bars
    views: tuple[View, ...]  # where the V maps lie on the frame

    @property
    def heat(self) -> Floats:
        """(V, rows, columns) from 0 to 1: what answers more than the frame's mean patch does, the best one being 1."""
        inside = np.stack([view.inside(*self.relevance.shape[1:]) for view in self.views])
        above = np.where(inside, np.maximum(self.relevance - self.relevance[inside].mean(), 0), 0)
        return (above / max(float(above.max()), 1e-12)).astype(np.float32)

    def on_frame(self, height: int, width: int) -> Floats:
        """The heat drawn over the frame: (height, width) in 0..1, 0 where the tower did not look."""
        return paint(self.heat, self.views, height, width)


@dataclass(frozen=True)
class Thinned:
    """A frame with only some of its patches, in a map's order and in random ones."""

    own: Tensor  # (S + 1, 2, D) of `faithfulness.vectors_along`
    controls: Tensor  # (S + 1, 2, R, D)
    cells: int

    def judged(self, score: Callable[[Tensor], Tensor]) -> Faithfulness:
        """The curves of a score, which makes (...,) of frame vectors (..., D)."""
        return faithfulness.judge(self.own, self.controls, score, self.cells)


@dataclass
class ClipSight:
    """F frames of one size as a tower sees them. Made by `look`."""

    bundle: ModelBundle
    vision: Vision
    pixels: Tensor  # (F * V, 3, h, w) uint8
    frames: int
    views: tuple[View, ...]
    _controls: dict[int, Tensor] = field(default_factory=dict, repr=False)  # by frame: (S + 1, 2, R, D)

    @classmethod
    def look(cls, bundle: ModelBundle, frames: Sequence[Pixels]) -> ClipSight:
        """Prepares decoded frames (HWC uint8, all of one size) for the reranker's tower.

        Raises DrivescopeError(BAD_INPUT) for a tower that no method can look into.
        """
        tower = bundle.towers[-1]
        vision = open_vision(tower, bundle.spec.title)
        pixels = torch.cat([prepare(rgb, tower.preprocessing, bundle.spec.crop) for rgb in frames])
        height, width = frames[0].shape[:2]
        seen = views(height, width, tower.preprocessing, bundle.spec.crop)
        return cls(bundle, vision, pixels, len(frames), seen)

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods that this bundle allows, the default first."""
        return methods_of(self.vision)

    def maps(self, target: Target, method: str = "", frames: Sequence[int] | None = None) -> list[Heatmap]:
        """One map per frame (or for the given frames), in order.

        Raises DrivescopeError(BAD_INPUT) for a method that does not apply.
        """
        chosen = check_method(self.vision, method, self.bundle.spec.title)
        numbers = list(range(self.frames)) if frames is None else list(frames)
        pixels = self._pixels(numbers)
        relevance = relevance_of(self.vision, pixels, target, chosen)
        relevance = relevance.view(len(numbers), len(self.views), *self.vision.grid)  # (n, V, rows, columns)
        relevance = relevance * torch.from_numpy(self._inside())
        scores = self._scores(pixels, target)
        return [
            Heatmap(chosen, target.name, number, float(score), grid.numpy(), self.views)
            for number, score, grid in zip(numbers, scores, relevance, strict=True)
        ]

    def faithfulness(
        self, target: Target, maps: Sequence[Heatmap], pause: Callable[[], None] = lambda: None
    ) -> list[Faithfulness]:
        """Deletion and insertion curves of each map, against random orders of its frame's patches.

        Asked for one frame at a time it costs no more than for all at once. `pause` is called between the curves'
        points, a fraction of a second apart, and may raise.
        """
        rivals = rivals_of(self.bundle, target, pause)

        def score(vectors: Tensor) -> Tensor:
            return certainty(vectors, target.direction, rivals)

        return [one.judged(score) for one in self.thinned(maps, pause)]

    def thinned(self, maps: Sequence[Heatmap], pause: Callable[[], None] = lambda: None) -> list[Thinned]:
        """Frame vectors with ever more of each map's patches there, or gone: what any score's curves are made of."""
        V = len(self.views)
        cells = torch.from_numpy(self._inside().reshape(V, -1)[0].nonzero()[0])  # (C,) that show the frame
        numbers = [one.frame for one in maps]
        self._ensure_controls(sorted(set(numbers) - set(self._controls)), cells, pause)
        relevance = torch.from_numpy(np.stack([one.relevance.reshape(V, -1) for one in maps]))  # (n, V, P)
        order = relevance.flatten(0, 1)[:, cells].argsort(dim=1, descending=True, stable=True)  # (n * V, C)
        own = self._along(numbers, cells[order][:, None], pause)[:, :, :, 0]  # (S + 1, 2, n, D)
        return [
            Thinned(own[:, :, place], self._controls[number], len(cells))
            for place, number in enumerate(numbers)
        ]

    def _ensure_controls(self, numbers: list[int], cells: Tensor, pause: Callable[[], None]) -> None:
        """Frame vectors along random orders, for frames that were not judged before."""
        if not numbers:
            return
        orders = torch.stack([faithfulness.random_orders(cells, faithfulness.SEED + n) for n in numbers])
        orders = orders.repeat_interleave(len(self.views), dim=0)
        found = self._along(numbers, orders, pause)  # (S + 1, 2, n, R, D)
        self._controls |= {number: found[:, :, place] for place, number in enumerate(numbers)}

    def _along(self, numbers: list[int], orders: Tensor, pause: Callable[[], None]) -> Tensor:
        """`faithfulness.vectors_along` with the views of a frame averaged: (S + 1, 2, n, R, D)."""
        found = faithfulness.vectors_along(self.vision, self._pixels(numbers), orders, pause)
        S, two, _, R, D = found.shape
        return found.view(S, two, len(numbers), len(self.views), R, D).mean(dim=3)

    def _scores(self, pixels: Tensor, target: Target) -> Tensor:
        vectors = self.bundle.towers[-1].encode_images(pixels)  # (n * V, D)
        mean = vectors.view(-1, len(self.views), vectors.shape[1]).mean(dim=1)  # (n, D)
        return functional.normalize(mean, dim=-1) @ target.direction

    def _pixels(self, numbers: list[int]) -> Tensor:
        by_frame = self.pixels.view(self.frames, len(self.views), *self.pixels.shape[1:])
        return by_frame[numbers].flatten(0, 1)

    def _inside(self) -> NDArray[Any]:
        """(V, rows, columns) True where a cell shows the frame."""
        return np.stack([view.inside(*self.vision.grid) for view in self.views])
