"""What a changed query would do to the clips on top, before it is applied.

Muting a word means asking again without it. The ranking of the changed query is a real search, so what is shown
is what applying the change gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import DrivescopeError, ErrorKind
from core.search.rerank import RERANK_CLIPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.models.bundle import ModelBundle
    from core.protocol import Filters, Hit
    from core.search.pipeline import Searcher

FIRST_HITS = 10


@dataclass(frozen=True)
class Move:
    """One clip's rank in both rankings, from 1. `new_rank` is None below the best `RERANK_CLIPS` clips."""

    clip_id: int
    rank: int
    new_rank: int | None


def without_word(bundle: ModelBundle, text: str, word: int) -> str:
    """The query with its word number `word` (of `words.words_of`) muted.

    Raises DrivescopeError(BAD_INPUT) for a word that is not there or is the only one.
    """
    from core.explain.words import words_of

    words = words_of(bundle.encode_text(text))
    if not 0 <= word < len(words):
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, f"The query has {len(words)} words that the model reads, no word {word + 1}."
        )
    at, lowered = 0, text.lower()
    for number, entry in enumerate(words):
        start = lowered.find(entry.text, at)
        if start < 0:  # the tokenizer writes this word in a code of its own
            return _nonempty(" ".join(w for n, w in enumerate(text.split()) if n != word))
        at = start + len(entry.text)
        if number == word:
            return _nonempty(" ".join((text[:start] + " " + text[at:]).split()))
    raise AssertionError("the loop returns at the word")


def moves(
    searcher: Searcher,
    hits: Sequence[Hit],
    changed: str,
    *,
    filters: Filters | None = None,
    rerank_clips: int = RERANK_CLIPS,
) -> tuple[Move, ...]:
    """Where the first ten of `hits` would stand if the query were `changed`.

    Args:
        searcher: of the library that the hits come from.
        hits: of the ranking that is shown, best first.
        changed: the query's new text.
        filters: the ones the shown ranking was made with.
        rerank_clips: likewise; 0 compares first stages.

    """
    *_, ranked = searcher.search(changed, k=RERANK_CLIPS, rerank_clips=rerank_clips, filters=filters)
    place = {hit.clip_id: hit.rank for hit in ranked.hits}
    return tuple(Move(hit.clip_id, hit.rank, place.get(hit.clip_id)) for hit in hits[:FIRST_HITS])


def _nonempty(text: str) -> str:
    if not text:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, "That is the query's only word: without it nothing is asked."
        )
    return text
