"""What stage A's sigmoid losses ask for, and the parameters that only they need, which are never exported."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.training.concepts import ACTORS, EGO, EVENTS, SCENE, Fact
from core.training.dataset import ClipSet
from core.training.sides import HEAD_SCALE, side_head
from core.world.truth import EVENTS as WORLD_EVENTS
from core.world.truth import ClipTruth

KINDS: tuple[Fact, ...] = tuple(("actor", kind) for kind in ACTORS)
SCENES: tuple[Fact, ...] = tuple(SCENE)
THINGS: tuple[Fact, ...] = (*KINDS, *SCENES, *EGO, *(("event", name) for name in EVENTS))
"""What the sigmoid losses ask for, by their place: patches and frames use the first ones."""
MOST_WEIGHT = 20.0
PARTS = 4
"""Into how many columns a frame is divided to say where a thing is."""
MOMENTS = (*WORLD_EVENTS, "standing")
"""What can be going on in a single frame."""
STANDING_MPS = 0.5


def columns_of(grid: Tensor) -> Tensor:
    """Which kinds show in each column of frames, from their cells (N, gh, gw): (N, parts, kinds) bool."""
    there = ((grid[..., None] & (1 << torch.arange(len(KINDS)))) > 0).any(dim=1)  # (N, gw, kinds)
    return torch.stack([part.any(dim=1) for part in there.tensor_split(PARTS, dim=1)], dim=1)


def moments_of(truths: Sequence[ClipTruth]) -> Tensor:
    """What is going on in every frame of every clip: (N, F, moments) bool."""
    found = torch.zeros(len(truths), len(truths[0].frames), len(MOMENTS), dtype=torch.bool)
    for truth, rows in zip(truths, found, strict=True):
        half = truth.duration_s / len(truth.frames) / 2
        for frame, row in zip(truth.frames, rows, strict=True):
            row[-1] = frame.speed_mps < STANDING_MPS
            for event in truth.events:
                if event.start_s - half <= frame.time_s <= event.end_s + half:
                    row[MOMENTS.index(event.name)] = True
    return found


class Names(nn.Module):
    """What the sigmoid losses need besides the towers. Used while training only, never exported.

    Scale and bias for the three that compare with names, and plain linear heads for places, moments and sides.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.places = nn.Linear(width, len(KINDS) * PARTS)
        self.moments = nn.Linear(width, len(MOMENTS))
        for head in (self.places, self.moments):
            nn.init.zeros_(head.weight)
        self.places_weight: Tensor
        self.moments_weight: Tensor
        self.register_buffer("places_weight", torch.ones(len(KINDS) * PARTS))
        self.register_buffer("moments_weight", torch.ones(len(MOMENTS)))
        self.sides = side_head(width)
        self.scale = nn.Parameter(torch.full((3,), math.log(10.0)))
        self.bias = nn.Parameter(torch.zeros(3, len(THINGS)))
        self.weight: Tensor
        self.register_buffer("weight", torch.ones(3, len(THINGS)))

    @torch.no_grad()
    def start_from(self, clips: ClipSet) -> None:
        """Begin at how often each thing is there: with any other bias both towers first run to one common vector.

        A thing that is there with probability p weighs sqrt((1 - p) / p) where it is: a dog covers one patch in
        five thousand, and would not be worth a gradient.
        """
        facts = torch.tensor([[thing in have for thing in THINGS] for have in clips.facts])  # (N, things)
        cells = (
            clips.cells[:256].flatten(2)[..., None] & (1 << torch.arange(len(KINDS)))
        ) > 0  # (n, F, P, kinds)
        for place, present in enumerate((cells.flatten(0, 2), cells.any(dim=2).flatten(0, 1), facts)):
            often = facts.float().mean(dim=0)  # (things,)
            often[: present.shape[1]] = present.float().mean(dim=0)
            odds = often.clamp(1e-4, 1 - 1e-4).logit()  # (things,)
            self.weight[place] = (-odds / 2).exp().clamp(1.0, MOST_WEIGHT)
            self.bias[place] = odds + self.weight[place].log()
        columns = columns_of(clips.cells[:256].flatten(0, 1))  # (n*F, parts, kinds)
        moments = moments_of(clips.truths).flatten(0, 1)  # (N*F, moments)
        for head, weight, present in (
            (self.places, self.places_weight, columns.flatten(1)),
            (self.moments, self.moments_weight, moments),
        ):
            odds = present.float().mean(dim=0).clamp(1e-4, 1 - 1e-4).logit()
            weight.copy_((-odds / 2).exp().clamp(1.0, MOST_WEIGHT))
            head.bias.copy_(odds + weight.log())


def headed(head: nn.Linear, vectors: Tensor, present: Tensor, weight: Tensor) -> Tensor:
    """Sigmoid loss of a linear head on unit vectors (N, D), summed over outputs; `present` (N, outputs)."""
    loss = functional.binary_cross_entropy_with_logits(
        head(HEAD_SCALE * vectors), present.float(), pos_weight=weight, reduction="none"
    )
    return loss.sum(dim=-1).mean()
