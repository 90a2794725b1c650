"""The questions that a model is judged by, from the truth of clips that it never saw.

`instances`: one sentence a clip that tells all of it; its own clip is right. `paraphrases`: the same clips in sentence
families and with synonyms that training never hears. `concepts`: what several clips can have in common; every clip
that truly fits is right.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.training.concepts import Fact, make_query
from core.training.dataset import ClipSet
from core.world.captions import paraphrase

CONCEPTS = 200
LEAST_RIGHT, MOST_RIGHT = 3, 0.25
"""A concept fits at least so many clips, and at most this share of them."""
_TRIES = 20_000


@dataclass(frozen=True)
class Split:
    """Queries (Q) and which of V clips answer each of them: (Q, V) bool."""

    name: str
    queries: tuple[str, ...]
    relevant: Tensor

    @property
    def single(self) -> bool:
        """Whether every query has one right answer."""
        return bool((self.relevant.sum(dim=1) == 1).all())


def instances(clips: ClipSet, name: str = "test") -> Split:
    """Each clip's first caption, the one that tells all of it."""
    return Split(
        name, tuple(captions[0] for captions in clips.captions), torch.eye(len(clips), dtype=torch.bool)
    )


def paraphrases(clips: ClipSet) -> Split:
    """What the first captions tell, in words and forms that training never hears."""
    told = tuple(paraphrase(np.random.default_rng(truth.seed + 11), truth) for truth in clips.truths)
    return Split("paraphrase", told, torch.eye(len(clips), dtype=torch.bool))


def concepts(clips: ClipSet, count: int = CONCEPTS, seed: int = 5) -> Split:
    """Different queries of one to three facts, each with all the clips that it is true of (fewer if none are left)."""
    rng = random.Random(seed)
    most = MOST_RIGHT * len(clips)
    known: dict[frozenset[Fact], tuple[str, list[bool]]] = {}
    for _ in range(_TRIES):
        if len(known) == count:
            break
        query, need = make_query(rng.choice(clips.facts), rng)
        if need in known:
            continue
        right = [need <= have for have in clips.facts]
        if LEAST_RIGHT <= sum(right) <= most:
            known[need] = query, right
    queries = tuple(query for query, _ in known.values())
    return Split("concept", queries, torch.tensor([right for _, right in known.values()]))
