"""Runs: every ranking of an evaluation with all that made it, kept in the library's folder `runs`.

    runs/<id>/run.json       configuration, hashes, versions, timings, metrics   Run.facts
    runs/<id>/queries.json   the queries, their relevant clips, the rows that found none
    runs/<id>/<stage>.npz    the rankings of a stage and each query's outcome

A run appears in one step when it is complete; what a crash leaves behind begins with a dot and is swept away at the
next save. Nothing is pickled. The hash of every file stands in `run.json`, so damage is noticed when a run is opened.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.files import reading_errors
from core.evaluate.metrics import Outcomes
from core.evaluate.ranking import Ranking
from core.evaluate.truth import Query
from core.files import new_folder, remove_folder, sha256_of

FORMAT: Final = 1
RUNS: Final = "runs"
MOST_POSITIONS: Final = 20_000_000
"""Ranked clips kept for one stage (240 MB); beyond that every ranking is cut. Outcomes are of whole rankings."""
_FACTS: Final = "run.json"
_QUERIES: Final = "queries.json"


@dataclass(frozen=True)
class StageResult:
    """Rankings of one stage, one for each query of the run, and their outcomes."""

    rankings: tuple[Ranking, ...]
    outcomes: Outcomes


@dataclass(frozen=True)
class Run:
    """An evaluation. `stages` is ordered: the last one is what a person would have seen.

    `facts` holds what `run.json` does: name, created, kind ("library" or "foreign"), configuration, hashes, versions,
    timings, metrics by stage, counts, notes. `grades` are the judgements that the outcomes were
    computed with, `spans` the relevant (video_id, start_s, end_s) that the file gave, `clip_seconds` the mean length of
    a query's relevant clips (none in runs of before it was kept).
    """

    run_id: str
    facts: Mapping[str, Any]
    queries: tuple[Query, ...]
    grades: Mapping[str, Mapping[int, int]]
    stages: Mapping[str, StageResult]
    spans: Mapping[str, tuple[tuple[int, float, float], ...]]
    rejected: tuple[Mapping[str, Any], ...] = ()
    clip_seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def final(self) -> StageResult:
        """The last stage."""
        return self.stages[self.final_stage]

    @property
    def final_stage(self) -> str:
        """Name of the last stage."""
        return list(self.stages)[-1]


def depth_for(queries: int, clips: int) -> int:
    """How many clips of each ranking are kept."""
    return min(clips, max(1000, MOST_POSITIONS // max(queries, 1)))


def new_run_id(name: str, now: datetime | None = None) -> str:
    """A folder name that sorts by time: `20260131-142233-name`."""
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
    words = "".join(c if c.isalnum() else "-" for c in name.casefold()).strip("-")
    return "-".join(part for part in (stamp, words[:40].strip("-")) if part)


def save_run(library_folder: Path, run: Run) -> Path:
    """Writes a run into its library and returns its folder. Raises DrivescopeError; then nothing is left behind."""
    with new_folder(library_folder / RUNS, run.run_id) as (unfinished, folder):
        _write(unfinished, run, folder.name)
    return folder


def _write(folder: Path, run: Run, run_id: str) -> None:
    for stage, result in run.stages.items():
        with (folder / f"{stage}.npz").open("wb") as file:
            np.savez(file, **_columns(result))  # type: ignore[arg-type]  # numpy reads allow_pickle into **kwds
    queries = {
        "queries": [
            {
                "query_id": query.query_id,
                "text": query.text,
                "properties": dict(query.properties),
                "grades": {str(clip_id): grade for clip_id, grade in run.grades[query.query_id].items()},
                "spans": [list(span) for span in run.spans.get(query.query_id, ())],
                "clip_s": run.clip_seconds.get(query.query_id),
            }
            for query in run.queries
        ],
        "rejected": [dict(row) for row in run.rejected],
    }
    (folder / _QUERIES).write_text(json.dumps(queries, ensure_ascii=False, indent=1), encoding="utf-8")
    hashes = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
    facts = {"format": FORMAT, "run_id": run_id, "stages": list(run.stages), "files": hashes, **run.facts}
    (folder / _FACTS).write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")


def _columns(result: StageResult) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of a stage file: rankings one behind the other with their ends, and outcomes."""
    rankings = result.rankings
    empty = Ranking(np.empty(0, np.int64), np.empty(0, np.float32), 0)
    return {
        "ends": np.cumsum([len(ranking) for ranking in rankings], dtype=np.int64),
        "heads": np.array([ranking.head for ranking in rankings], np.int64),
        "clip_ids": np.concatenate([ranking.clip_ids for ranking in (*rankings, empty)]),
        "scores": np.concatenate([ranking.scores for ranking in (*rankings, empty)]),
        **{field.name: getattr(result.outcomes, field.name) for field in fields(Outcomes)},
    }


def list_runs(library_folder: Path) -> list[dict[str, Any]]:
    """Facts of every complete run, newest first; one that cannot be read is listed with its `damaged` sentence."""
    found = []
    for path in sorted((library_folder / RUNS).glob(f"[!.]*/{_FACTS}"), reverse=True):
        try:
            found.append(_facts(path.parent))
        except DrivescopeError as error:
            found.append({"run_id": path.parent.name, "damaged": error.sentence})
    return found


def run_called(library_folder: Path, name: str = "") -> str:
    """Id of the run that a person means: an id, the name of a run (the newest of that name), or nothing (the newest).

    Raises DrivescopeError(NOT_FOUND) if there is none.
    """
    sound = [facts for facts in list_runs(library_folder) if "damaged" not in facts]
    if not name and not sound:
        raise DrivescopeError(
            ErrorKind.NOT_FOUND,
            f"The library {library_folder} has no run: make one with `drivescope evaluate`.",
        )
    called = [str(facts["run_id"]) for facts in sound if not name or facts.get("name") == name]
    return called[0] if called and not _is_run(library_folder / RUNS, name) else name


def open_run(library_folder: Path, run_id: str) -> Run:
    """A stored run. Raises DrivescopeError: NOT_FOUND, VERSION, or UNREADABLE for one that is damaged."""
    folder = run_folder(library_folder, run_id)
    facts = _facts(folder)
    for name, sha256 in facts["files"].items():
        with reading_errors(folder / name):
            same = sha256_of(folder / name) == sha256
        if not same:
            raise _damaged(folder, f"{name} was changed after the run was stored")
    try:
        content = json.loads((folder / _QUERIES).read_text(encoding="utf-8"))
        queries = tuple(Query(q["query_id"], q["text"], q["properties"]) for q in content["queries"])
        grades = {q["query_id"]: {int(c): int(g) for c, g in q["grades"].items()} for q in content["queries"]}
        spans = {
            q["query_id"]: tuple((int(v), float(s), float(e)) for v, s, e in q["spans"])
            for q in content["queries"]
            if q["spans"]
        }
        seconds = {q["query_id"]: float(q["clip_s"]) for q in content["queries"] if q.get("clip_s")}
        stages = {stage: _read_stage(folder / f"{stage}.npz") for stage in facts["stages"]}
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise _damaged(folder, str(error)) from error
    return Run(run_id, facts, queries, grades, stages, spans, tuple(content["rejected"]), seconds)


def run_folder(library_folder: Path, run_id: str) -> Path:
    """A run's folder; an id that is a way out of the folder of runs is no run. Raises DrivescopeError(NOT_FOUND)."""
    if not _is_run(library_folder / RUNS, run_id):
        raise DrivescopeError(ErrorKind.NOT_FOUND, f"The library {library_folder} has no run “{run_id}”.")
    return library_folder / RUNS / run_id


def _is_run(root: Path, run_id: str) -> bool:
    inside = run_id == Path(run_id).name and not run_id.startswith(".") and bool(run_id)
    return inside and (root / run_id / _FACTS).is_file()


def _facts(folder: Path) -> dict[str, Any]:
    path = folder / _FACTS
    try:
        with reading_errors(path):
            facts = json.loads(path.read_text(encoding="utf-8"))
        version, _ = facts["format"], (facts["files"], facts["stages"])
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, str(error)) from error
    if version != FORMAT:
        sentence = (
            f"The run {folder} was stored by another version of Drivescope: update this one to open it."
        )
        raise DrivescopeError(ErrorKind.VERSION, sentence)
    return dict(facts)


def _read_stage(path: Path) -> StageResult:
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    ends = arrays["ends"].tolist()
    clip_ids, scores, heads = arrays["clip_ids"], arrays["scores"], arrays["heads"].tolist()
    rankings = tuple(
        Ranking(clip_ids[start:end], scores[start:end], head)
        for start, end, head in zip([0, *ends[:-1]], ends, heads, strict=True)
    )
    return StageResult(rankings, Outcomes(**{field.name: arrays[field.name] for field in fields(Outcomes)}))


def delete_run(library_folder: Path, run_id: str) -> None:
    """Forgets a run; it vanishes in one step."""
    remove_folder(run_folder(library_folder, run_id))


def _damaged(folder: Path, detail: str) -> DrivescopeError:
    return DrivescopeError(
        ErrorKind.UNREADABLE, f"The run in {folder} is damaged: delete it and evaluate again.", detail=detail
    )
