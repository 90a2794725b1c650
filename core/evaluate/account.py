"""What an evaluation leaves behind: a stored run with everything that made it, and the answer of the command."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from core.evaluate.gallery import Gallery
from core.evaluate.metrics import RANK_METRICS, Value, rank_outcomes, summarise, unjudged_share, video_to_text
from core.evaluate.moments import MomentQuery, moment_intervals, moment_metrics, moments_in_videos
from core.evaluate.rankers import Ranked
from core.evaluate.resampling import bootstrap_intervals
from core.evaluate.runs import Run, StageResult, new_run_id, save_run
from core.evaluate.sampled import NOT_POOLED, extended_inferred_ap, inferred_ap
from core.evaluate.slices import sliced_metric, slices_of, worst_slices
from core.evaluate.trec import write_run
from core.evaluate.truth import QuerySet, RejectedRow, Role, SpanRule

if TYPE_CHECKING:
    from core.library.library import Library

LISTED: Final = 100
"""Rows that found no clip, as listed in the answer; the run keeps all of them."""
_PACKAGES: Final = ("drivescope", "numpy", "torch", "open_clip_torch", "faiss-cpu")


@dataclass(frozen=True)
class Request:
    """What is evaluated and how.

    `companion` is the qrels of a topics file or the split of an MSR-VTT JSON; `columns` overrules the search for
    columns; `trec_out` is where to write the final rankings as a TREC run; `judgements` lets what people judged in this
    library overrule the file.
    """

    queries_file: Path
    companion: Path | None = None
    rule: SpanRule = SpanRule()  # noqa: RUF009 - frozen
    columns: Mapping[Role, str] | None = None
    name: str = ""
    trec_out: Path | None = None
    judgements: bool = False


@dataclass(frozen=True)
class Evaluation:
    """All that a run is made of, and how it is written and told."""

    kind: str
    request: Request
    queries: QuerySet
    gallery: Gallery
    ranked: Ranked
    configuration: Mapping[str, Any]
    hashes: Mapping[str, Any]
    notes: Sequence[str] = ()
    rejected_lines: Sequence[RejectedRow] = ()
    """Lines of a foreign run that name no clip."""

    def finish(self, library: Library, name: str, started: float) -> dict[str, Any]:
        """Stores the run and returns the answer."""
        metrics = {stage: self._metrics(result) for stage, result in self.ranked.stages.items()}
        moments = self._moments()
        found = {
            "video_to_text": self._video_to_text(),
            "moments": moment_metrics(moments) if moments else None,
            "moment_intervals": moment_intervals(moments) if moments else None,
        }
        told = {
            "configuration": self._configuration(),
            "timings": {**_timings(self.ranked.timings), "seconds": round(time.perf_counter() - started, 3)},
            "notes": [*self.notes, *self._remarks()],
        }
        counts = {
            "queries": len(self.queries.queries),
            "clips": len(self.gallery),
            "rows": self.queries.rows,
            "unmatched_rows": len(self.queries.rejected),
            "unanswered_queries": len(self.queries.unanswered),
        }
        unmatched = {
            "unmatched": [row.as_dict() for row in self.queries.rejected],
            "unmatched_lines": [row.as_dict() for row in self.rejected_lines],
        }
        facts = {
            "name": name,
            "kind": self.kind,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "hashes": {
                "queries": self.queries.sha256,
                "clips": _clips_hash(library, self.gallery),
                **self.hashes,
            },
            "versions": _versions(),
            "counts": counts,
            "metrics": metrics,
            **found,
            **told,
            "unmatched_lines": unmatched["unmatched_lines"],
        }
        run = self._run(name, facts, unmatched["unmatched"])
        folder = save_run(library.folder, run)
        if self.request.trec_out:
            write_run(self.request.trec_out, name, self._trec_rows(run))
        return {
            "run": folder.name,
            "folder": str(folder),
            **counts,
            "stage": run.final_stage,
            "metrics": metrics[run.final_stage],
            "first_stage": metrics["first"] if len(metrics) > 1 else None,
            **found,
            "worst_slices": _worst_slices(run),
            **told,
            **{kind: rows[:LISTED] for kind, rows in unmatched.items()},
        }

    def _configuration(self) -> dict[str, Any]:
        companion = self.request.companion
        return {
            **self.configuration,
            "queries_file": str(self.request.queries_file),
            "companion": str(companion) if companion else None,
            "truth": self.queries.kind,
            "judgements": self.request.judgements,
            "span_rule": self.queries.rule.as_dict(),
        }

    def _run(self, name: str, facts: dict[str, Any], rejected: list[dict[str, Any]]) -> Run:
        return Run(
            new_run_id(name),
            facts,
            self.queries.queries,
            self.queries.grades,
            self.ranked.stages,
            self.queries.spans,
            tuple(rejected),
            self._clip_seconds(),
        )

    def _clip_seconds(self) -> dict[str, float]:
        """Mean length of the relevant clips of each query."""
        spans = self.gallery.spans()
        lengths = {clip_id: end_s - start_s for clip_id, (_, start_s, end_s) in spans.items()}
        return {
            query_id: float(np.mean([lengths[clip_id] for clip_id, grade in judged.items() if grade > 0]))
            for query_id, judged in self.queries.grades.items()
        }

    def _metrics(self, result: StageResult) -> dict[str, Any]:
        values = {name: value.as_dict() for name, value in summarise(result.outcomes).items()}
        sampled = _sampled_metrics(self.queries, result)
        return {**values, **sampled}

    def _video_to_text(self) -> dict[str, Any] | None:
        """Ranks of a clip's own queries among all queries, by first-stage scores: the reranker scores too few."""
        similarity = self.ranked.similarity
        if similarity is None:
            return None
        order = sorted(self.gallery.clip_ids)
        at = {clip_id: column for column, clip_id in enumerate(order)}
        groups = [
            [at[clip_id] for clip_id, grade in self.queries.grades[query.query_id].items() if grade > 0]
            for query in self.queries.queries
        ]
        values = summarise(rank_outcomes(video_to_text(similarity, groups)), RANK_METRICS)
        return {name: value.as_dict() for name, value in values.items()}

    def _moments(self) -> list[MomentQuery]:
        """Where in their videos the last stage puts the queries that have true spans."""
        clips = self.gallery.spans()
        rankings = list(self.ranked.stages.values())[-1].rankings
        return [
            moment
            for query, ranking in zip(self.queries.queries, rankings, strict=True)
            if (spans := self.queries.spans.get(query.query_id))
            for moment in moments_in_videos(ranking.clip_ids.tolist(), clips, spans)
        ]

    def _remarks(self) -> list[str]:
        notes = []
        if self.queries.rejected:
            notes.append(
                f"{len(self.queries.rejected)} of {self.queries.rows} rows mean no clip of this library."
            )
        if self.queries.unanswered:
            count = len(self.queries.unanswered)
            notes.append(f"{count} queries have no relevant clip in this library and are left out.")
        if self.kind == "library" and self.ranked.similarity is None:
            notes.append("Video-to-text was left out: there are too many queries and clips for one matrix.")
        return notes

    def _trec_rows(self, run: Run) -> Iterable[tuple[str, Iterable[tuple[str, float]]]]:
        for query, ranking in zip(run.queries, run.final.rankings, strict=True):
            names = (self.gallery.document(clip_id) for clip_id in ranking.clip_ids.tolist())
            yield query.query_id, zip(names, ranking.falling_scores().tolist(), strict=True)


def _sampled_metrics(queries: QuerySet, result: StageResult) -> dict[str, Any]:
    """The infAP and xinfAP if the file's judgements are a sample; nothing otherwise."""
    values = []
    for query, ranking in zip(queries.queries, result.rankings, strict=True):
        pool = queries.pools.get(query.query_id)
        if pool is None:
            continue
        ids = ranking.clip_ids.tolist()
        labels = [pool[clip_id].grade if clip_id in pool else NOT_POOLED for clip_id in ids]
        relevant = sum(judgement.grade > 0 for judgement in pool.values())
        by_name = {str(clip_id): judgement for clip_id, judgement in pool.items()}
        extended = extended_inferred_ap([str(clip_id) for clip_id in ids], by_name)
        values.append((inferred_ap(labels, relevant), extended))
    if not values:
        return {}
    columns = np.array(values)  # (Q, 2)
    intervals = bootstrap_intervals(columns, np.zeros(2, bool))
    means = columns.mean(axis=0)
    unjudged = unjudged_share(result.outcomes)
    return {
        name: Value(
            name, float(mean), float(low), float(high), float(mean), float(mean), "", unjudged
        ).as_dict()
        for name, mean, (low, high) in zip(("infAP", "xinfAP"), means, intervals, strict=True)
    }


def _worst_slices(run: Run) -> list[dict[str, Any]]:
    overall = sliced_metric(run)
    return [part.as_dict() for part in worst_slices(slices_of(run, overall.name), overall)]


def _timings(steps: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Median and 95th percentile of each step of a query, in milliseconds."""
    return {
        step: {"median": round(float(np.median(ms)), 3), "p95": round(float(np.percentile(ms, 95)), 3)}
        for step, ms in steps.items()
    }


def _clips_hash(library: Library, gallery: Gallery) -> str:
    """Sha256 over which spans of which contents could be ranked: equal hashes, comparable ranks."""
    contents = {video.video_id: video.sha256 for video in library.catalog.videos()}
    digest = hashlib.sha256()
    for clip in library.catalog.clips():
        if clip.clip_id in gallery.clip_ids:
            line = f"{clip.clip_id} {contents[clip.video_id]} {clip.start_s:.6f} {clip.end_s:.6f}\n"
            digest.update(line.encode())
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = ""
    return versions
