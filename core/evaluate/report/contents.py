"""Everything that a report says, before it is laid out: gathered once, told as HTML, CSV and JSON."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import Cancelled
from core.evaluate.across import BASELINE_FIRST, told, two_libraries
from core.evaluate.chosen import called, chosen
from core.evaluate.compare import Comparison, compare_runs, reranking_hurt
from core.evaluate.gallery import Gallery
from core.evaluate.judgements import Judged, Judgements, query_key
from core.evaluate.rankers import Progress
from core.evaluate.rejudge import open_judged
from core.evaluate.report.cases import WORST, Case, choose_cases
from core.evaluate.report.evidence import Evidence, Witness
from core.evaluate.runs import Run
from core.evaluate.slices import LEAST_MEMBERS, Slice, sliced_metric, slices_of, worst_slices
from core.evaluate.table import QueryRow, query_table

if TYPE_CHECKING:
    from core.library.library import Library
    from core.models.bundle import ModelBundle


@dataclass(frozen=True)
class Exhibit:
    """A case with the evidence for its right clip and, where another one stands at rank 1, for that."""

    case: Case
    truth: Evidence
    top: Evidence | None

    @property
    def words(self) -> list[tuple[str, float, float | None]]:
        """(word, what it brought the right clip, what it brought rank 1) in the query's order."""
        if self.truth.anatomy is None:
            return []
        other = self.top.anatomy if self.top else None
        right = self.truth.anatomy.by_word.tolist()
        wrong = other.by_word.tolist() if other else [None] * len(right)
        names = (word.text for word in self.truth.anatomy.words)
        return list(zip(names, right, wrong, strict=True))


@dataclass(frozen=True)
class Contents:
    """A run, what it was compared with, and the cases that were looked at.

    `slices` are those with enough members, `left_out` counts the smaller ones. `comparison` is the run (b) against
    `against` (a), `matching` what of the two was not matched; `hurt` its last stage (b) against its first (a).
    `documents` names clips as TREC files do.
    """

    run: Run
    rows: list[QueryRow]
    slices: list[Slice]
    worst: list[Slice]
    left_out: int
    against: Run | None
    comparison: Comparison | None
    matching: tuple[str, ...]
    hurt: Comparison | None
    exhibits: list[Exhibit]
    judged: Mapping[str, tuple[Judged, ...]]
    documents: Mapping[int, str]
    judgements_used: bool
    written: str

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The last stage's metrics, as `Value.as_dict` tells them."""
        found: Mapping[str, Any] = self.run.facts["metrics"][self.run.final_stage]
        return found

    @property
    def first_metrics(self) -> Mapping[str, Any] | None:
        """The first stage's metrics if there are two."""
        stages = list(self.run.stages)
        return self.run.facts["metrics"][stages[0]] if len(stages) > 1 else None


def gather(
    library: Library,
    bundle: ModelBundle,
    run_id: str,
    *,
    against: str = "",
    other_library: Path | None = None,
    use_judgements: bool = False,
    cases: int = WORST,
    named: Sequence[str] = (),
    progress: Progress = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Contents:
    """Reads the run (and the one to compare with), cuts slices, chooses cases and looks at their clips.

    The cases are those that `named` calls by number or text, then those that were chosen in the window, then `cases`
    of the worst. `against` is a run of `other_library`, if that is given. With `use_judgements` the runs are measured
    under what people judged since. `progress` counts cases. Raises DrivescopeError as `open_run`, `compare_runs` and
    `called` do, and Cancelled.
    """
    with contextlib.closing(Judgements(library.folder)) as store:
        judged = store.current()
    (run,) = open_judged(library.folder, [run_id], use_judgements=use_judgements)
    elsewhere = other_library or library.folder
    other = open_judged(elsewhere, [against], use_judgements=use_judgements)[0] if against else None
    libraries = two_libraries(elsewhere, library.folder) if other is not None else None
    clips = libraries.clips if libraries else None
    comparison = compare_runs(other, run, clips=clips) if other is not None else None
    rows = query_table(run)
    hurt = reranking_hurt(run) if len(run.stages) > 1 else None
    overall = sliced_metric(run)
    found = slices_of(run, overall.name)
    large = [part for part in found if part.count >= LEAST_MEMBERS]
    by_hand = (*called(run, named), *chosen(library.folder, run_id))
    shown = choose_cases(run, rows, judged, hurt, cases, by_hand)
    exhibits = []
    witness = Witness(library, bundle)
    for number, case in enumerate(shown):
        if cancelled():
            raise Cancelled
        progress(number, len(shown))
        exhibits.append(_exhibit(witness, case))
    if cancelled():  # once more: a run that misses nothing has no cases
        raise Cancelled
    progress(len(shown), len(shown))
    return Contents(
        run=run,
        rows=rows,
        slices=large,
        worst=worst_slices(found, overall),
        left_out=len(found) - len(large),
        against=other,
        comparison=comparison,
        matching=tuple(told(comparison.left_out, libraries, BASELINE_FIRST))
        if comparison is not None
        else (),
        hurt=hurt,
        exhibits=exhibits,
        judged=_by_query(judged, rows),
        documents=_documents(library, rows),
        judgements_used=use_judgements,
        written=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _documents(library: Library, rows: Sequence[QueryRow]) -> dict[int, str]:
    """Names of the clips in the table, as far as the library still has them."""
    clips = library.catalog.clips()
    gallery, there = Gallery(clips), {clip.clip_id for clip in clips}
    named = {clip_id for row in rows for clip_id in (row.truth_clip, row.top_clip) if clip_id is not None}
    return {clip_id: gallery.document(clip_id) for clip_id in named & there}


def _exhibit(witness: Witness, case: Case) -> Exhibit:
    truth = witness.of(case.row.text, case.truth_clip)
    top = witness.of(case.row.text, case.top_clip) if case.top_clip is not None else None
    return Exhibit(case, truth, top)


def _by_query(judged: Sequence[Judged], rows: Sequence[QueryRow]) -> dict[str, tuple[Judged, ...]]:
    """Judgements by query id; those of other queries are left out."""
    by_text: dict[str, list[Judged]] = {}
    for one in judged:
        by_text.setdefault(one.query, []).append(one)
    return {
        row.query_id: tuple(by_text[query_key(row.text)]) for row in rows if query_key(row.text) in by_text
    }
