"""What a changed query would do, before it is applied: to one clip's score, and to the ranks of the clips on top.

Muting a word means asking again without it. Every changed query is read and searched like any other, so what is
shown is what applying the change gives.

A word's *effect* on a clip is what the clip's score loses when the word is muted. `words.py` says what the model
added up; the text tower gathers a sentence in its end mark, so nearly all of that sum is booked there (on drive-tiny
more than nine tenths), and only muting shows what a single word is worth.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import DrivescopeError, ErrorKind
from core.explain.words import Word, words_of
from core.search.rerank import RERANK_CLIPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

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


@dataclass(frozen=True)
class ClipSides:
    """One clip as the library stores it; any float dtype."""

    student: Tensor  # (Ds,) unit
    frames: Tensor  # (F, Dr) unit
    video: Tensor  # (Dr,) unit


@dataclass(frozen=True)
class ClipScores:
    """Both stages' scores of one clip, without their scales."""

    first: float  # the student's cosine
    rerank: float  # X-CLIP


def scores_of(bundle: ModelBundle, text: str, clip: ClipSides) -> ClipScores:
    """What both stages say of one clip."""
    query = bundle.encode_text(text)
    found = bundle.rerank(query, clip.frames[None], clip.video[None])
    return ClipScores(float(query.student.cpu() @ clip.student.float()), float(found.score[0]))


def without(text: str, words: Sequence[Word], numbers: Collection[int]) -> str:
    """The query with these of its words muted; what is left keeps its letters, with single spaces."""
    kept, at = [], 0
    for number in sorted(set(numbers)):
        kept.append(text[at : words[number].start])
        at = words[number].end
    return " ".join(" ".join((*kept, text[at:])).split())


def without_word(bundle: ModelBundle, text: str, word: int) -> str:
    """The query with its word number `word` (of `words.words_of`) muted.

    Raises DrivescopeError(BAD_INPUT) for a word that is not there or is the only one.
    """
    words = words_of(bundle.encode_text(text))
    if not 0 <= word < len(words):
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, f"The query has {len(words)} words that the model reads, no word {word + 1}."
        )
    muted = without(text, words, (word,))
    if not muted:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, "That is the query's only word: without it nothing is asked."
        )
    return muted


def word_effects(bundle: ModelBundle, text: str, clip: ClipSides) -> Iterator[ClipScores]:
    """What both scores of a clip lose when a word is muted, word by word (of `words.words_of`).

    Above zero: the word speaks for the clip. Each step reads one text, so that others get their turn between two.
    A query of one word has the effect that is left when nothing is asked: its whole score.
    """
    words = words_of(bundle.encode_text(text))
    whole = scores_of(bundle, text, clip)
    for number in range(len(words)):
        muted = without(text, words, (number,))
        rest = scores_of(bundle, muted, clip) if muted else ClipScores(0.0, 0.0)
        yield ClipScores(whole.first - rest.first, whole.rerank - rest.rerank)


def moves(
    searcher: Searcher,
    hits: Sequence[Hit],
    changed: str,
    *,
    filters: Filters | None = None,
    rerank_clips: int = RERANK_CLIPS,
) -> tuple[Move, ...]:
    """Where `hits` would stand if the query were `changed`.

    Args:
        searcher: of the library that the hits come from.
        hits: of the ranking that is shown; usually its first ten.
        changed: the query's new text.
        filters: the ones the shown ranking was made with.
        rerank_clips: likewise; 0 compares first stages.

    """
    *_, ranked = searcher.search(changed, k=RERANK_CLIPS, rerank_clips=rerank_clips, filters=filters)
    place = {hit.clip_id: hit.rank for hit in ranked.hits}
    return tuple(Move(hit.clip_id, hit.rank, place.get(hit.clip_id)) for hit in hits)
