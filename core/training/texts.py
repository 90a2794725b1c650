"""Sentences as padded token batches, and one vector for every word that training never saw.

A small world has a few hundred words; CLIP's vocabulary has 49,408 entries. Untrained rows would be noise in a
query, so while training some words are replaced by one stand-in token, and at the end every row that was never
trained becomes that stand-in: a word that nobody taught is passed over instead of pointing somewhere.
"""

from __future__ import annotations

import torch
from torch import Tensor

from core.models.backbone import Backbone
from core.models.learned import UNKNOWN as UNKNOWN
from core.models.tokens import ClipTokenizer

START, END = 49406, 49407


class Texts:
    """Tokenises once per sentence; remembers which rows of the embedding were used."""

    def __init__(self, words: int) -> None:
        self.words = words
        self._tokenizer = ClipTokenizer()
        self._known: dict[str, tuple[int, ...]] = {}
        self.used = torch.zeros(END + 1, dtype=torch.bool)

    def batch(
        self, sentences: list[str], unknown: float = 0.0, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Ids (N, W) int64 padded with 0 and the mask (N, W) of real positions, W the longest at hand.

        With `unknown`, that share of the inner tokens is replaced by the stand-in.
        """
        rows = [self._ids(sentence) for sentence in sentences]
        longest = max(map(len, rows))
        ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])  # (N, W)
        mask = torch.tensor([[True] * len(row) + [False] * (longest - len(row)) for row in rows])  # (N, W)
        self.used[ids[mask]] = True
        if unknown > 0:
            hidden = torch.rand(ids.shape, generator=generator) < unknown
            ids[hidden & mask & (ids < START)] = UNKNOWN
        return ids, mask

    def _ids(self, sentence: str) -> tuple[int, ...]:
        if sentence not in self._known:
            self._known[sentence] = self._tokenizer(sentence, self.words).ids
        return self._known[sentence]


def settle_unknown_words(clip: Backbone, used: Tensor) -> int:
    """Give every embedding row that `used` (vocabulary,) does not mark the stand-in's vector; returns how many."""
    with torch.no_grad():
        untrained = ~used.clone()
        untrained[[START, END, UNKNOWN]] = False
        clip.token_embedding.weight[untrained] = clip.token_embedding.weight[UNKNOWN].clone()
    return int(untrained.sum())
