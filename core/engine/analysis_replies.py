"""What core.evaluate knows, as the window is told it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from core import protocol
from core.errors import DrivescopeError, ErrorKind
from core.evaluate.metrics import ALL_METRICS, Value, metric, summarise
from core.evaluate.moments import TOLD_MOMENTS
from core.evaluate.slices import slices_of, worst_slices
from core.evaluate.table import query_table

if TYPE_CHECKING:
    from core.evaluate.compare import Comparison
    from core.evaluate.judgements import Judged
    from core.evaluate.matching import Preview
    from core.evaluate.query_sets import QuerySetEntry
    from core.evaluate.runs import Run

PREVIEW_REJECTED: Final = 1000
_HEADLINE: Final = ("R@1", "R@5", "R@10", "MdR", "mAP")


def preview_reply(request_id: int, preview: Preview) -> protocol.QueriesPreview:
    """A truth file as it would be imported."""
    return protocol.QueriesPreview(
        id=request_id,
        path=str(preview.path),
        kind=preview.kind,
        encoding=preview.encoding,
        header=preview.header,
        columns=tuple(protocol.ColumnInfo(c.role, c.name, c.found_by) for c in preview.columns),
        property_names=preview.property_names,
        sample=tuple(
            protocol.SampleRow(r.row, r.text, r.video, r.start_s, r.end_s, r.grade)
            for r in preview.first_rows
        ),
        rows=preview.rows,
        queries=preview.queries,
        unanswered=preview.unanswered,
        rejected=tuple(
            protocol.RejectedRowInfo(r.row, r.query, r.video, r.reason)
            for r in preview.rejected[:PREVIEW_REJECTED]
        ),
        rejected_count=len(preview.rejected),
    )


def query_set_info(entry: QuerySetEntry) -> protocol.QuerySetInfo:
    """An imported file."""
    return protocol.QuerySetInfo(
        set_id=entry.set_id,
        name=entry.name,
        kind=entry.kind,
        queries=entry.queries,
        match=protocol.SpanMatch(entry.rule.overlap, entry.rule.threshold),
        imported=entry.imported,
        problem=entry.problem,
    )


def judgement_info(judged: Judged) -> protocol.JudgementInfo:
    """A judgement that holds."""
    return protocol.JudgementInfo(
        judged.query,
        judged.clip_id,
        judged.verdict.value,
        judged.tags,
        judged.note,
        judged.author,
        judged.made,
    )


# --- runs ---------------------------------------------------------------------------------------------


def run_info(facts: Mapping[str, Any]) -> protocol.RunInfo:
    """A run of the list from its facts, also one that is damaged."""
    counts = facts.get("counts") or {}
    stages: Sequence[str] = facts.get("stages") or ()
    final = (facts.get("metrics") or {}).get(stages[-1], {}) if stages else {}
    return protocol.RunInfo(
        run_id=str(facts["run_id"]),
        name=str(facts.get("name", "")),
        created=str(facts.get("created", "")),
        kind=str(facts.get("kind", "")),
        queries=int(counts.get("queries", 0)),
        clips=int(counts.get("clips", 0)),
        reranked=len(stages) > 1,
        headline={name: final[name]["value"] for name in _HEADLINE if name in final},
        problem=str(facts.get("damaged", "")),
    )


def run_opened(
    request_id: int, run: Run, most: int, chosen: Sequence[str] = (), notes: Sequence[str] = ()
) -> protocol.RunOpened:
    """A run as a whole; `most` is how many of the rows that found no clip are listed.

    `chosen` are ids of queries for its report; `notes` come after the run's own.
    """
    stages = list(run.stages)
    by_stage = run.facts["metrics"]
    rejected = [*run.rejected, *run.facts.get("unmatched_lines", ())]
    return protocol.RunOpened(
        id=request_id,
        run=run_info({**run.facts, "run_id": run.run_id}),
        metrics=_values(by_stage[stages[-1]]),
        first_stage=_values(by_stage[stages[0]]) if len(stages) > 1 else (),
        facts=tuple(_facts(run.facts)),
        notes=(*run.facts.get("notes", ()), *notes),
        rejected=tuple(
            protocol.RejectedRowInfo(row["row"], row["query"], row["video"], row["reason"])
            for row in rejected[:most]
        ),
        rejected_count=len(rejected),
        chosen=tuple(chosen),
        video_to_text=_values(run.facts.get("video_to_text") or {}),
        moments=_moments(run.facts),
    )


def _values(metrics: Mapping[str, Mapping[str, Any]]) -> tuple[protocol.MetricValue, ...]:
    return tuple(_value(name, value) for name, value in metrics.items())


def _moments(facts: Mapping[str, Any]) -> tuple[protocol.MetricValue, ...]:
    """The moment metrics that a report names; runs of before their intervals were kept have none."""
    found, between = facts.get("moments") or {}, facts.get("moment_intervals") or {}
    return tuple(
        protocol.MetricValue(name, "%", found[name], *between.get(name, (None, None)))
        for name in TOLD_MOMENTS
        if name in found
    )


def _value(name: str, value: Mapping[str, Any]) -> protocol.MetricValue:
    return protocol.MetricValue(
        name=name,
        unit=value.get("unit") or "",
        value=value.get("value"),
        low=value.get("low"),
        high=value.get("high"),
        optimistic=value.get("optimistic"),
        pessimistic=value.get("pessimistic"),
        unjudged=value.get("unjudged"),
    )


def _metric(value: Value) -> protocol.MetricValue:
    return _value(value.name, value.as_dict())


def _facts(facts: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Lines for reading: how the run was made."""
    yield "created", str(facts.get("created", ""))
    for group in ("configuration", "counts", "hashes", "versions", "timings"):
        for name, value in (facts.get(group) or {}).items():
            if isinstance(value, Mapping):
                value = ", ".join(f"{key} {part}" for key, part in value.items())
            if isinstance(value, list):
                value = ", ".join(map(str, value))
            if value not in (None, ""):
                yield str(name).replace("_", " "), str(value)


def outcomes(run: Run) -> tuple[protocol.QueryOutcome, ...]:
    """Every query of a run, in its order."""
    return tuple(
        protocol.QueryOutcome(
            row.query_id,
            row.text,
            row.first_rank,
            row.rank,
            row.gap,
            row.percentile,
            row.relevant,
            row.unjudged if row.unjudged == row.unjudged else 1.0,  # NaN: a ranking without a clip
        )
        for row in query_table(run)
    )


# --- slices and comparison ----------------------------------------------------------------------------


def slices_reply(request_id: int, run: Run, name: str) -> protocol.Slices:
    """One metric on every slice. Raises DrivescopeError(BAD_INPUT) for a metric that there is not."""
    if name not in ALL_METRICS:
        raise DrivescopeError(ErrorKind.BAD_INPUT, f"{name} is none of {', '.join(ALL_METRICS)}.")
    overall = summarise(run.final.outcomes, (name,))[name]
    found = slices_of(run, name)
    places = {id(part): place for place, part in enumerate(found)}
    return protocol.Slices(
        id=request_id,
        run_id=run.run_id,
        metric=name,
        overall=_metric(overall),
        slices=tuple(
            protocol.SliceInfo(
                part.key, part.value, part.count, _metric(part.result), _packed(part.members, "<i4")
            )
            for part in found
        ),
        worst=tuple(places[id(part)] for part in worst_slices(found, overall)),
    )


def compared(
    request_id: int, run: Run, other: Run, comparison: Comparison, notes: Sequence[str], library: str = ""
) -> protocol.Compared:
    """`run` against `other`, which may be the run itself: then its last stage against its first.

    `notes` say what was left out; `library` is where the other run is from, if not from here.
    """
    pairs = comparison.pairs
    itself = run is other
    return protocol.Compared(
        id=request_id,
        run_id=run.run_id,
        against="" if itself else other.run_id,
        title_a="first stage" if itself else str(other.facts.get("name", other.run_id)),
        title_b="reranked" if itself else str(run.facts.get("name", run.run_id)),
        rows=_packed([pair.row_b for pair in pairs], "<i4"),
        ranks_a=_packed([pair.rank_a for pair in pairs], "<f4"),
        ranks_b=_packed([pair.rank_b for pair in pairs], "<f4"),
        wins=sum(pair.gain > 0 for pair in pairs),
        losses=sum(pair.gain < 0 for pair in pairs),
        draws=comparison.draws,
        only_a=comparison.only_a,
        only_b=comparison.only_b,
        metrics=tuple(
            protocol.DifferenceInfo(
                found.name, metric(found.name).unit, found.a, found.b, found.difference,
                found.low, found.high, found.p_value,
            )
            for found in comparison.metrics.values()
        ),
        library=library,
        notes=tuple(notes),
    )  # fmt: skip


def _packed(values: Sequence[float] | np.ndarray[Any, Any], form: Literal["<i4", "<f4"]) -> bytes:
    return np.asarray(values).astype(form).tobytes()
