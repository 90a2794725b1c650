"""Captioned clips in memory, and the batches made of them.

A dataset folder holds shards: `shard_00000.npz` with `frames` uint8 (n, F, h, w, 3) RGB and `cells` uint16
(n, F, gh, gw), a bit mask of the actor kinds that show in a patch; `shard_00000.jsonl` with one line a clip:
{"seed", "truth", "captions"}. Which batch comes at which step depends on the seed and the step number only, so
that a stopped run goes on exactly where it was.
"""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.errors import DrivescopeError, ErrorKind
from core.training.concepts import Fact, facts_of
from core.world.truth import ClipTruth

LEAST_CLIPS = 2


@dataclass(frozen=True)
class ClipSet:
    """N clips. `frames` uint8 (N, F, h, w, 3), `cells` int32 (N, F, gh, gw); lists have one entry per clip."""

    frames: Tensor
    cells: Tensor
    captions: tuple[tuple[str, ...], ...]
    truths: tuple[ClipTruth, ...]
    facts: tuple[frozenset[Fact], ...]

    def __len__(self) -> int:
        return len(self.frames)

    def first(self, count: int) -> ClipSet:
        """The first clips only, without a copy of their frames."""
        return ClipSet(
            self.frames[:count],
            self.cells[:count],
            self.captions[:count],
            self.truths[:count],
            self.facts[:count],
        )


def join(parts: Sequence[ClipSet]) -> ClipSet:
    """Several sets as one, in their order."""
    if len(parts) == 1:
        return parts[0]
    return ClipSet(
        torch.cat([part.frames for part in parts]),
        torch.cat([part.cells for part in parts]),
        tuple(captions for part in parts for captions in part.captions),
        tuple(truth for part in parts for truth in part.truths),
        tuple(facts for part in parts for facts in part.facts),
    )


def load_clips(folder: Path, most: int | None = None) -> ClipSet:
    """Read every finished shard of a dataset folder (at most `most` clips).

    A shard counts as finished when both its files are there; a damaged one is named, not skipped.
    """
    shards = sorted(path for path in folder.glob("shard_*.npz") if path.with_suffix(".jsonl").exists())
    if not shards:
        raise DrivescopeError(
            ErrorKind.NOT_FOUND,
            f"There are no finished shards of clips in {folder}; make some with `python -m core.world.dataset`.",
        )
    frames: list[Any] = []
    cells: list[Any] = []
    lines: list[dict[str, Any]] = []
    for shard in shards:
        if most is not None and len(lines) >= most:
            break
        shard_frames, shard_cells, shard_lines = _read_shard(shard)
        frames.append(shard_frames)
        cells.append(shard_cells)
        lines += shard_lines
    lines = lines[:most]
    if len(lines) < LEAST_CLIPS:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, f"Training needs at least two clips; {folder} has {len(lines)}."
        )
    truths = tuple(ClipTruth.from_dict(line["truth"]) for line in lines)
    return ClipSet(
        frames=torch.from_numpy(np.concatenate(frames)[:most]),
        cells=torch.from_numpy(np.concatenate(cells)[:most].astype(np.int32)),
        captions=tuple(tuple(line["captions"]) for line in lines),
        truths=truths,
        facts=tuple(facts_of(truth) for truth in truths),
    )


def _read_shard(path: Path) -> tuple[Any, Any, list[dict[str, Any]]]:
    """One shard's frames, cells and lines, checked against each other."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            frames, cells = arrays["frames"], arrays["cells"]
        lines = [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]
        whole = len(frames) == len(cells) == len(lines) and frames.ndim == 5 and frames.shape[-1] == 3
        whole = whole and all(line["captions"] and line["truth"] for line in lines)
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as problem:
        raise _damaged(path) from problem
    if not whole or frames.dtype != np.uint8 or cells.shape[:2] != frames.shape[:2]:
        raise _damaged(path)
    return frames, cells, lines


def _damaged(path: Path) -> DrivescopeError:
    return DrivescopeError(
        ErrorKind.UNREADABLE,
        f"The shard {path} is damaged; delete it and its .jsonl and make the dataset again.",
    )


def generator_of(seed: int, step: int, purpose: int = 0) -> torch.Generator:
    """Random numbers of one step: the same whether the run was interrupted before it or not."""
    return torch.Generator().manual_seed((seed * 1_000_003 + step) * 16 + purpose)


def rng_of(seed: int, step: int) -> random.Random:
    """The same for plain Python choices."""
    return random.Random(f"{seed}/{step}")


def clips_of_step(clips: int, batch: int, seed: int, step: int) -> list[int]:
    """Clip numbers of one step: each epoch is one shuffle, and a batch never holds a clip twice.

    The tail that does not fill a batch is left out until the next shuffle. A set smaller than the batch is
    the batch.
    """
    batch = min(batch, clips)
    per_epoch = clips // batch
    epoch, place = divmod(step, per_epoch)
    order = torch.randperm(clips, generator=generator_of(seed, epoch, purpose=15))
    return [int(i) for i in order[place * batch : (place + 1) * batch]]


def frames_of_step(clips: int, frames: int, count: int, generator: torch.Generator) -> Tensor:
    """Which frames each clip shows: (clips, count) int64, one from each of `count` equal parts, in order."""
    edges = torch.linspace(0, frames, count + 1)  # parts in frame numbers
    starts, widths = edges[:-1].ceil(), edges[1:].ceil() - edges[:-1].ceil()  # (count,)
    return (starts + (torch.rand(clips, count, generator=generator) * widths).floor()).long()


def same_caption(captions: list[str]) -> Tensor:
    """(B, B) bool: True where two clips of a batch drew the same words, so neither is the other's negative."""
    numbers = {caption: number for number, caption in enumerate(captions)}
    ids = torch.tensor([numbers[caption] for caption in captions])
    return ids[:, None] == ids[None, :]


def fits(needs: Sequence[frozenset[Fact]], facts: Sequence[frozenset[Fact]]) -> Tensor:
    """(Q, V) bool: which clips have all that a query needs."""
    return torch.tensor([[need <= have for have in facts] for need in needs], dtype=torch.bool).view(
        len(needs), len(facts)
    )
