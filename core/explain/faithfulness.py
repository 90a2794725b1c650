"""Whether a map can be trusted: take its patches away best first, or put them back best first, and watch the score.

Deletion and insertion curves (Petsiuk et al., RISE, BMVC 2018). A good map makes the score fall fast when its best
patches go and rise fast when they come back, so the area under the insertion curve minus the one under the deletion
curve is its faithfulness, from -1 to 1; a random order has 0. The control is random orders of the same patches of the
same frame: a map that does not beat the best of them (and of their reverses) is unreliable.

The score is how sure the tower is of the query beside its rivals (`rivals.certainty`), as RISE takes a classifier's
probability and not its logit. A bare cosine does not do: it has no floor, so that half of the area is made by how the
empty road is ordered after the last road user has gone (-0.18 is no more absent than -0.05), and every road user
raises the cosine of every other one. On 54 validation clips of the demo world (115 maps), where a frame shows several
kinds, an order that begins with all their boxes beat by cosine the one that begins with the named kind's alone in 69 %
of the frames, by certainty in 32 %; of two maps of one frame and query, the one whose peak is in the box had the
larger area in 73 % by cosine, in 75 % by certainty; and by cosine 91 % of the maps of rollout, which knows no query,
were "reliable", by certainty 47 %.

Random orders know neither query nor method, so their frame vectors are computed once per clip and serve every map.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.explain.vision import Vision

HALVINGS: Final = 6
CONTROLS: Final = 4
"""Random orders per frame; with their reverses eight chances for luck to beat the map."""
LEAST: Final = 0.01
"""Where the tower is never a hundredth surer, it does not see the query in the frame, and no order says where."""
SEED: Final = 20

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Faithfulness:
    """One map's curves: how sure the tower is of the target, 0 to 1, at `shares` of the frame's patches."""

    shares: Floats  # (S + 1,) 0 to 1
    deletion: Floats  # (S + 1,) score when this share is gone, the map's best first
    insertion: Floats  # (S + 1,) score when only this share is there, the map's best first
    control_deletion: Floats  # (S + 1,) mean over the random orders
    control: float  # the largest insertion minus deletion area among the random orders

    @property
    def deletion_area(self) -> float:
        """Mean score under deletion; small is good."""
        return _area(self.shares, self.deletion)

    @property
    def insertion_area(self) -> float:
        """Mean score under insertion; large is good."""
        return _area(self.shares, self.insertion)

    @property
    def value(self) -> float:
        """Insertion minus deletion area."""
        return self.insertion_area - self.deletion_area

    @property
    def reliable(self) -> bool:
        """Whether the map beats every random order, and by what is there: `LEAST`."""
        return self.value > max(self.control, LEAST)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "faithfulness": self.value,
            "reliable": self.reliable,
            "control": self.control,
            "deletion_area": self.deletion_area,
            "insertion_area": self.insertion_area,
            "shares": self.shares.tolist(),
            "deletion": self.deletion.tolist(),
            "insertion": self.insertion.tolist(),
            "control_deletion": self.control_deletion.tolist(),
        }


def counts(cells: int) -> list[int]:
    """How many of a picture's cells each point of a curve has, from none to all.

    Halves of halves from both ends: something small is in the first few cells of a good map, and only points
    that close to the end tell it from an order that found it by luck. The points mirror each other, so that what
    is left after a deletion is as many cells as some insertion shows.
    """
    few = {round(cells / 2**step) for step in range(1, HALVINGS + 1)}
    return sorted({0, *few, *(cells - count for count in few), cells})


def random_orders(cells: Tensor, seed: int, orders: int = CONTROLS) -> Tensor:
    """(R, C) random orders of the given cells (C,)."""
    generator = torch.Generator().manual_seed(seed)
    return cells[torch.rand(orders, len(cells), generator=generator).argsort(dim=1)]


def vectors_along(
    vision: Vision, pixels: Tensor, orders: Tensor, pause: Callable[[], None] = lambda: None
) -> Tensor:
    """Frame vectors when an order's first cells are there, and when its last ones are.

    Args:
        vision: the tower.
        pixels: (N, 3, h, w) uint8.
        orders: (N, R, C) int64, cells best first; cells that are in no order are never shown.
        pause: called before each point; may raise.

    Returns:
        (S + 1, 2, N, R, D) raw: point by point of `counts`, first cells [0] and last cells [1].

    """
    points = []
    for count in counts(orders.shape[2]):
        pause()
        first, last = orders[..., :count], orders[..., orders.shape[2] - count :]
        both = vision.encode_kept(pixels, torch.cat([first, last], dim=1))  # (N, 2R, D)
        points.append(torch.stack(both.chunk(2, dim=1)))  # (2, N, R, D)
    return torch.stack(points)


def judge(vectors: Tensor, controls: Tensor, score: Callable[[Tensor], Tensor], cells: int) -> Faithfulness:
    """One frame's map against the random orders.

    Args:
        vectors: (S + 1, 2, D) of `vectors_along`, for the map's own order.
        controls: (S + 1, 2, R, D), for random ones.
        score: of frame vectors (..., D), not normalised: (...,).
        cells: C, how many there are in an order.

    """
    own, random = score(vectors), score(controls)  # (S + 1, 2), (S + 1, 2, R)
    insertion, deletion = own[:, 0], own[:, 1].flip(0)
    shares = (np.array(counts(cells)) / cells).astype(np.float32)
    gains = [
        _area(shares, random[:, 0, r].numpy()) - _area(shares, random[:, 1, r].flip(0).numpy())
        for r in range(random.shape[2])
    ]
    return Faithfulness(
        shares=shares,
        deletion=deletion.numpy().astype(np.float32),
        insertion=insertion.numpy().astype(np.float32),
        control_deletion=random.mean(dim=(1, 2)).flip(0).numpy().astype(np.float32),
        control=max(abs(gain) for gain in gains),  # a reversed order's gain is the same with the other sign
    )


def _area(shares: NDArray[Any], scores: NDArray[Any]) -> float:
    return float(np.trapezoid(scores.astype(np.float64), shares))
