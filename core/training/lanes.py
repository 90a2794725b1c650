"""Several Python threads of one torch thread each, for the tower that costs nearly everything.

On few cores this is faster than one OpenMP team (measured on 2 cores with ViT of 192 x 6: 165 to 240 images a
second) and it suffers less from a busy neighbour. Each lane runs forward and backward of its own images, so
gradients meet only in the parameters: two addends, whose sum does not depend on who came first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

R = TypeVar("R")

Encode = Callable[[Tensor, int], Tensor]
"""(images, index of the first one in the batch) to features, one row per image."""


class Lanes:
    """`count` worker threads (1: the caller's own thread and all its torch threads).

    Each lane keeps its thread, and all backward passes of a step go through `backward` together: then a parameter
    gets one gradient from each lane, and with two lanes the sum is the same in every run.
    """

    def __init__(self, count: int, chunk: int = 64) -> None:
        self.count, self.chunk = max(1, count), chunk
        threads = self.count if self.count > 1 else 0
        self._threads = [ThreadPoolExecutor(1, initializer=_one_thread) for _ in range(threads)]

    def forward(self, encode: Encode, batch: Tensor, most: int | None = None) -> Lap:
        """Run `encode` over the batch; the result's `features` is a leaf to build the loss on.

        Chunks hold at most `most` rows (default: the lanes' own), all of nearly one size and as many for one lane
        as for the other: the slower lane is what a step waits for.
        """
        rounds = math.ceil(len(batch) / (self.count * (most or self.chunk)))
        chunk = math.ceil(len(batch) / (self.count * rounds))
        starts = range(0, len(batch), chunk)
        shares = [list(starts[lane :: self.count]) for lane in range(self.count)]

        def run(lane: int) -> list[Tensor]:
            return [encode(batch[start : start + chunk], start) for start in shares[lane]]

        made = self._each(run)
        parts = {
            s: part for lane in range(self.count) for s, part in zip(shares[lane], made[lane], strict=True)
        }
        features = torch.cat([parts[start].detach() for start in starts]).requires_grad_()  # (N, ...)
        return Lap(features, shares, made)

    def backward(self, laps: Sequence[Lap]) -> None:
        """Carry the gradients of all `features` into the parameters. Once, after the loss's own backward."""

        def run(lane: int) -> None:
            parts: list[Tensor] = []
            grads: list[Tensor] = []
            for lap in laps:
                grad = lap.features.grad
                if grad is None:
                    continue
                parts += lap.parts[lane]
                grads += [
                    grad[start : start + len(part)]
                    for start, part in zip(lap.shares[lane], lap.parts[lane], strict=True)
                ]
            if parts:
                torch.autograd.backward(parts, grads)

        self._each(run)

    def _each(self, function: Callable[[int], R]) -> list[R]:
        """`function` of every lane number, at once."""
        if not self._threads:
            return [function(0)]
        waiting = [thread.submit(function, lane) for lane, thread in enumerate(self._threads)]
        return [future.result() for future in waiting]

    def close(self) -> None:
        """End the threads."""
        for thread in self._threads:
            thread.shutdown()


@dataclass(frozen=True)
class Lap:
    """One forward pass: the joined features, and each lane's parts of the graph with their first rows."""

    features: Tensor
    shares: list[list[int]]
    parts: list[list[Tensor]]


def _one_thread() -> None:
    torch.set_num_threads(1)
