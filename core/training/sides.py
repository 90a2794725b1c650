"""From which side: facts that differ in left and right only, and how both towers come to tell them apart.

Contrast alone does not teach from which side somebody crosses: while neither the sentence's vector nor the clip's holds
the side, neither gets a gradient towards holding it. After 6,500 steps of stage A both sentences were one (cosine 0.99)
and the right side was told as often as by chance, though a linear probe on the frame vectors told it in 97 of 100. So
one linear head is read from both, which gives either a reason to hold the side, and in the same direction; and a query
that names a side is contrasted with its own mirror image, as hard negative captions are (NegCLIP, Yuksekgonul et al.,
ICLR 2023). 1,500 steps later the side was told in all pairs of 142 test clips. With the mirror images and one head for
all facts instead of one for sides, 200 steps changed nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.training.concepts import EGO, EVENTS, SCENE, Fact, say

PAIRS: Final[tuple[tuple[Fact, Fact], ...]] = (
    (("event", "crosses from left"), ("event", "crosses from right")),
    (("event", "cuts in from left"), ("event", "cuts in from right")),
    (("ego", "turns left"), ("ego", "turns right")),
    (("ego", "changes lane left"), ("ego", "changes lane right")),
)
"""(left, right); the first one is what only the motion tells."""
HEAD_SCALE: Final = 5.0
_OTHER: Final = {one: other for pair in PAIRS for one, other in (pair, pair[::-1])}
_FIRST: Final = 0.5
"""The share of sided queries that are about the first pair."""


def side_head(width: int) -> nn.Linear:
    """The head that is read from sentences and clips alike; used while training only.

    It begins with directions, the same ones each time: at zero it would be one more saddle.
    """
    head = nn.Linear(width, len(PAIRS))
    nn.init.normal_(head.weight, std=width**-0.5, generator=torch.Generator().manual_seed(0))
    nn.init.zeros_(head.bias)
    return head


def sides_of(facts: Iterable[Fact]) -> list[float]:
    """For each pair 1 where only the left one is among the facts, -1 where only the right one is, else 0."""
    there = {fact[:2] for fact in facts}
    return [float(left in there) - float(right in there) for left, right in PAIRS]


def mirrored(need: frozenset[Fact]) -> frozenset[Fact]:
    """The same facts with every side exchanged."""
    return frozenset((*_OTHER.get(fact[:2], fact[:2]), *fact[2:]) for fact in need)


def mirrored_words(text: str) -> str:
    """The same sentence with left and right exchanged."""
    other = {"left": "right", "right": "left"}
    return " ".join(other.get(word, word) for word in text.split(" "))


def sided_queries(
    facts: Sequence[frozenset[Fact]], count: int, rng: random.Random, rare: float = 0.0
) -> list[tuple[str, frozenset[Fact]]]:
    """Queries that name a side which some of the clips show: words, and the facts that a match must have.

    Fewer than `count`, or none, where no clip has a side or the words for it name none.
    """
    by_pair = [
        [(fact, have) for have in facts for fact in sorted(have) if fact[:2] in pair] for pair in PAIRS
    ]
    there = [number for number, sided in enumerate(by_pair) if sided]
    made = []
    for _ in range(count if there else 0):
        number = 0 if 0 in there and rng.random() < _FIRST else rng.choice(there)
        fact, have = rng.choice(by_pair[number])
        scene = [other for other in sorted(have) if other in SCENE]
        need = frozenset([fact, *rng.sample(scene, min(len(scene), rng.choice((0, 1))))])
        text = " ".join(say(each, rng, rare) for each in sorted(need))
        if mirrored_words(text) != text:
            made.append((text, need))
    return made


def side_sentences() -> list[tuple[int, str, str]]:
    """Which pair, a sentence that says left and the same that says right: every plain wording of every pair."""
    asked = []
    for number, (left, _) in enumerate(PAIRS):
        wordings = EVENTS[left[1]] if left[0] == "event" else EGO[left]
        for wording in wordings:
            text = wording.format(who="someone or something")
            if mirrored_words(text) != text:
                asked.append((number, text, mirrored_words(text)))
    return asked


def told_apart(left: Tensor, right: Tensor, sides: Tensor) -> float:
    """How often, of two clips that show one side each, the side is told, in percent; 50 is chance.

    The area under the ROC curve of the sentences' difference. `left` and `right` (V,) are the scores of a sentence and
    of its mirror image, `sides` (V,) 1 for left, -1 for right and 0 for clips that are not asked. NaN without both.
    """
    gap = left - right
    ours, theirs = gap[sides > 0][:, None], gap[sides < 0][None]  # (L, 1), (1, R)
    return 100 * float(((ours > theirs).double() + 0.5 * (ours == theirs).double()).mean())


def side_loss(head: nn.Linear, vectors: Tensor, sides: Tensor) -> Tensor:
    """Is it left or right? Unit `vectors` (N, D), `sides` (N, pairs) as `sides_of` gives them; 0 is not asked.

    The mean over the rows of each pair, summed over pairs.
    """
    asked = sides != 0  # (N, pairs)
    loss = functional.softplus(-sides * head(HEAD_SCALE * vectors)) * asked  # (N, pairs)
    return (loss.sum(dim=0) / asked.sum(dim=0).clamp_min(1)).sum()


def mirror_loss(logits: Tensor, mirror: Tensor, right: Tensor) -> Tensor:
    """Each query against its mirror image, in the clips that only the query fits: -log sigmoid of the difference.

    `logits` and `mirror` (S, V) with temperature applied, `right` (S, V) bool.
    """
    each = functional.softplus(mirror - logits) * right  # (S, V)
    return each.sum() / right.sum().clamp_min(1)
