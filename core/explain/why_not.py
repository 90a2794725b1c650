"""Why a clip does not stand higher: its rank in both stages, what it lacks, and the smallest change that lifts it.

Everything here is a real search or a real score of a really changed query. The work comes in steps, each at most
about as long as one search, so that whoever runs it can let others in between.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import torch

from core.explain.counterfactual import FIRST_HITS, ClipScores, ClipSides, scores_of
from core.explain.ontology import load_ontology
from core.explain.text_skeleton import skeleton
from core.explain.wording import Edit, apply, deletions, is_small, overlap, substitutions
from core.explain.words import words_of
from core.protocol import Hit
from core.search.query import Query, positive, read_query
from core.search.rerank import RERANK_CLIPS

if TYPE_CHECKING:
    from core.models.bundle import ModelBundle
    from core.protocol import Filters
    from core.search.pipeline import Searcher

BLOCK: Final = 50_000
"""Rows compared in one step: some 40 ms with 512 numbers a row."""
PAIRED: Final = 6
"""How many of the best single changes are tried two at a time where no single one suffices."""
SHOWN: Final = 3
"""How many sufficient changes are told."""
Scored = Callable[[int, int], npt.NDArray[np.float32]]
"""First-stage scores (B,) of the rows [start, end), as far as there are any."""


@dataclass(frozen=True)
class Standing:
    """Where a clip stands for a query, among `searched` clips.

    A clip past the first stage's best `RERANK_CLIPS` has no rerank score and keeps its first rank.
    """

    row: int
    hit: Hit
    searched: int
    above: tuple[Hit, ...]  # those of the first ten hits that stand above the clip
    left_out: bool  # by the filters: the ranks are those without them


@dataclass(frozen=True)
class Lack:
    """A word or slot of the query, and what it is worth to the clip and, on the average, to those on top.

    Worth is what the deciding score loses when the words are muted.
    """

    text: str
    slot: str  # the slot's title, "" for a word that belongs to none
    start: int
    end: int
    here: float
    above: float


@dataclass(frozen=True)
class Trial:
    """A changed query and the rank that it gives the clip; None below the best `RERANK_CLIPS` clips."""

    edits: tuple[Edit, ...]
    text: str
    rank: int | None

    @property
    def place(self) -> int:
        """The rank, with those that are too far down behind all others."""
        return self.rank if self.rank is not None else RERANK_CLIPS + 1


def standing(
    searcher: Searcher,
    text: str,
    clip_id: int,
    *,
    filters: Filters | None = None,
    rerank_clips: int = RERANK_CLIPS,
) -> Iterator[Standing | None]:
    """Steps that yield None until the last one yields the clip's standing.

    Raises DrivescopeError(NOT_FOUND) if the clip was dropped.
    """
    searcher.refresh()
    row = searcher.row_of(clip_id)
    left_out = not searcher.admitted(filters)[row]
    if left_out:
        filters = None
    *_, ranked = searcher.search(text, k=RERANK_CLIPS, rerank_clips=rerank_clips, filters=filters)
    hit = next((hit for hit in ranked.hits if hit.clip_id == clip_id), None)
    if hit is None:
        scored = _first_scores(searcher, read_query(text))
        before = 0
        for ahead in _rows_ahead(searcher.store.rows, scored, row, searcher.admitted(filters)):
            yield None
            before += ahead
        score = float(scored(row, row + 1)[0])
        hit = _first_stage_hit(searcher, row, before + 1, score, ranked.searched_clips)
    above = tuple(other for other in ranked.hits[:FIRST_HITS] if other.rank < hit.rank)
    yield Standing(row, hit, ranked.searched_clips, above, left_out)


def _rows_ahead(rows: int, scored: Scored, row: int, admitted: npt.NDArray[np.bool_]) -> Iterator[int]:
    """Block by block, how many of all `rows` rank before `row`: better ones, and equal ones further up."""
    home = row - row % BLOCK
    own = scored(home, home + BLOCK)[row % BLOCK]  # alone it would be rounded otherwise and could beat itself
    for start in range(0, rows, BLOCK):
        scores = scored(start, start + BLOCK)
        ahead = (scores > own) | ((scores == own) & (np.arange(start, start + len(scores)) < row))
        yield int((ahead & admitted[start : start + len(scores)]).sum())


def _first_scores(searcher: Searcher, query: Query) -> Scored:
    """What scores the rows for this query; its texts are read once."""
    vector = searcher.bundle.encode_text(query.positive).student.cpu().numpy().astype(np.float32)  # (D,)
    minus = searcher.minus(query.without) if query.without else None

    def scored(start: int, end: int) -> npt.NDArray[np.float32]:
        end = min(end, searcher.store.rows)
        scores: npt.NDArray[np.float32] = np.asarray(searcher.store.student[start:end], np.float32) @ vector
        return scores if minus is None else scores - minus.first(np.arange(start, end))

    return scored


def _first_stage_hit(searcher: Searcher, row: int, rank: int, score: float, searched: int) -> Hit:
    clip = searcher.clip_of(row)
    return Hit(
        rank=rank,
        clip_id=clip.clip_id,
        video_id=clip.video_id,
        video=clip.path,
        start_s=clip.start_s,
        end_s=clip.end_s,
        score=score,
        first_rank=rank,
        percentile=round(100.0 * (searched - rank + 1) / searched, 2),
        keyframe=int(searcher.store.frame_weights[row].argmax()),
    )


def sides_of(searcher: Searcher, row: int) -> ClipSides:
    """The stored vectors of one clip."""
    store = searcher.store
    parts = (np.array(array[row], np.float32) for array in (store.student, store.frames, store.video))
    return ClipSides(*map(torch.from_numpy, parts))


def lacks(
    bundle: ModelBundle, text: str, clip: ClipSides, others: Sequence[ClipSides], *, reranked: bool
) -> Iterator[Lack]:
    """Slot by slot, then word by word for what no slot holds: its worth to the clip and to the others.

    One text is read in a step. Nothing comes where nobody stands above.
    """
    if not others:
        return

    def deciding(scores: ClipScores) -> float:
        return scores.rerank if reranked else scores.first

    def worth(whole: float, muted: str, one: ClipSides) -> float:
        return whole - deciding(scores_of(bundle, muted, one)) if muted else whole

    own = deciding(scores_of(bundle, text, clip))
    theirs = [deciding(scores_of(bundle, text, other)) for other in others]
    for said, slot, start, end in _units(bundle, text):
        muted = apply(text, (Edit(start, end, said, ""),))
        above = [worth(whole, muted, other) for whole, other in zip(theirs, others, strict=True)]
        yield Lack(said, slot, start, end, worth(own, muted, clip), float(np.mean(above)))


def _units(bundle: ModelBundle, text: str) -> list[tuple[str, str, int, int]]:
    """(text, slot title, start, end) of every slot of the query and of every word that says something beside them."""
    ontology = load_ontology()
    titles = {slot.id: slot.title for slot in ontology.slots}
    found = [(v.text, titles[v.slot], v.start, v.end) for v in skeleton(text, ontology).slots]
    held = [(start, end) for _, _, start, end in found]
    for word in words_of(bundle.encode_text(text)):
        if not is_small(word.text) and not any(word.start < end and start < word.end for start, end in held):
            found.append((text[word.start : word.end], "", word.start, word.end))
    return sorted(dict.fromkeys(found), key=lambda unit: unit[2])


@dataclass
class ChangeSearch:
    """The search for the smallest change of a query that brings a clip into the first ten.

    One word left out, or one concept exchanged, is the smallest; only where none suffices are two of them tried
    together, from the singles that helped most. Call `step` until `over`.
    """

    searcher: Searcher
    text: str
    clip_id: int
    filters: Filters | None = None
    rerank_clips: int = RERANK_CLIPS
    trials: list[Trial] = field(default_factory=list)
    _waiting: list[tuple[Edit, ...]] = field(default_factory=list)
    _paired: bool = False

    def __post_init__(self) -> None:
        sought = positive(self.text)  # offsets in it are offsets in the text
        words = words_of(self.searcher.bundle.encode_text(sought))
        edits = [*deletions(words, sought), *substitutions(sought)]
        self._waiting = [(edit,) for edit in edits if apply(self.text, (edit,))]

    @property
    def total(self) -> int:
        """How many changes will have been tried, as far as is known by now."""
        return len(self.trials) + len(self._waiting)

    @property
    def over(self) -> bool:
        """Whether there is nothing left to try."""
        return not self._waiting

    @property
    def best(self) -> tuple[Trial, ...]:
        """The changes that suffice, best rank first; where none does, the one that comes nearest."""
        ordered = sorted(self.trials, key=lambda trial: (len(trial.edits), trial.place))
        enough = [trial for trial in ordered if trial.place <= FIRST_HITS]
        return tuple(enough[:SHOWN]) if enough else tuple(sorted(self.trials, key=lambda t: t.place)[:1])

    def step(self) -> None:
        """Try one changed query: one search."""
        edits = self._waiting.pop(0)
        text = apply(self.text, edits)
        *_, found = self.searcher.stages(
            text, RERANK_CLIPS, rerank_clips=self.rerank_clips, filters=self.filters
        )
        places = np.flatnonzero(found.clip_ids == self.clip_id)
        self.trials.append(Trial(edits, text, int(places[0]) + 1 if len(places) else None))
        if not self._waiting and not self._paired:
            self._paired = True
            self._pair()

    def _pair(self) -> None:
        if any(trial.place <= FIRST_HITS for trial in self.trials):
            return
        helped = sorted(self.trials, key=lambda trial: trial.place)[:PAIRED]
        for one, other in itertools.combinations(helped, 2):
            both = (*one.edits, *other.edits)
            if not overlap(*both) and apply(self.text, both):
                self._waiting.append(both)
