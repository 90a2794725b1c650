"""`drivescope evaluate` and `drivescope runs`: queries with truth in, a stored run and its metrics out.

Every query ranks all clips of the library through the same `Searcher` that serves the window. What a foreign system
ranked comes in as a TREC run file and is measured with the same truth.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.account import Evaluation, Request
from core.evaluate.compare import compare_runs, reranking_hurt
from core.evaluate.datasets import read_truth
from core.evaluate.gallery import Gallery
from core.evaluate.judgements import Judgements, with_judgements
from core.evaluate.matching import match
from core.evaluate.rankers import Progress, rank_foreign, rank_library
from core.evaluate.runs import list_runs, open_run
from core.evaluate.slices import slices_of
from core.evaluate.table import query_table
from core.evaluate.trec import read_run
from core.evaluate.truth import QuerySet

if TYPE_CHECKING:
    from core.search.pipeline import Searcher


def evaluate_library(
    searcher: Searcher,
    request: Request,
    *,
    rerank_clips: int,
    progress: Progress = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Ranks all clips for every query, stores the run in the library, and returns what `--json` prints.

    `rerank_clips` 0 is the first stage alone. Raises DrivescopeError for a file that is no truth or means no clip of
    this library, and Cancelled; then nothing is stored.
    """
    started = time.perf_counter()
    gallery = gallery_of(searcher)
    queries = _queries(request, searcher, gallery)
    ranked = rank_library(searcher, queries, gallery, rerank_clips, progress, cancelled)
    spec = searcher.bundle.spec
    configuration = {
        "bundle": spec.name,
        "label": spec.label,
        "crop": spec.crop,
        "frames": spec.frames,
        "device": searcher.bundle.device.type,
        "precision": searcher.bundle.precision,
        "rerank_clips": rerank_clips,
    }
    hashes = {"fingerprint": spec.fingerprint, "weights": list(spec.weights_sha256)}
    evaluation = Evaluation("library", request, queries, gallery, ranked, configuration, hashes)
    return evaluation.finish(searcher.library, request.name or spec.name, started)


def evaluate_foreign(searcher: Searcher, request: Request, run_file: Path) -> dict[str, Any]:
    """Measures another system's TREC run with the same truth and stores it beside our runs.

    Topics of the run are query ids of the truth file (the numbers of its queries where it has none); documents are
    named as `Gallery.document` names clips. Raises DrivescopeError as `evaluate_library` does, and for a run none of
    whose documents is a clip of this library.
    """
    started = time.perf_counter()
    gallery = gallery_of(searcher)
    queries = _queries(request, searcher, gallery)
    foreign = read_run(run_file)
    ranked, rejected = rank_foreign(foreign.rankings, queries, gallery)
    rankings = ranked.stages["foreign"].rankings
    missing = sum(not len(ranking) for ranking in rankings)
    if missing == len(rankings):
        reason = f"line {rejected[0].row}: {rejected[0].reason}" if rejected else "its topics are other ones"
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"{run_file} ranks no clip of this library for a query of the truth; {reason}.",
        )
    notes = []
    if missing:
        notes.append(f"{missing} queries are not in the run and count as failures.")
    if rejected:
        notes.append(f"{len(rejected)} lines of the run name no clip of this library.")
    hashes = {"run": foreign.sha256}
    configuration = {"system": foreign.name, "run_file": str(run_file)}
    evaluation = Evaluation(
        "foreign", request, queries, gallery, ranked, configuration, hashes, notes, rejected
    )
    return evaluation.finish(searcher.library, request.name or foreign.name, started)


def tell_runs(library_folder: Path, run_ids: Sequence[str]) -> dict[str, Any]:
    """What `drivescope runs` prints: all runs; one run with its slices and queries; or the second against the first.

    Raises DrivescopeError as `open_run` and `compare_runs` do.
    """
    if not run_ids:
        return {"runs": list_runs(library_folder)}
    run = open_run(library_folder, run_ids[0])
    if len(run_ids) > 1:
        other = open_run(library_folder, run_ids[1])
        return {"a": run.run_id, "b": other.run_id, **compare_runs(run, other).as_dict()}
    return {
        "run": dict(run.facts),
        "slices": [part.as_dict() for part in slices_of(run)],
        "reranking": reranking_hurt(run).as_dict() if len(run.stages) > 1 else None,
        "queries": [row.as_dict() for row in query_table(run)],
    }


def gallery_of(searcher: Searcher) -> Gallery:
    """The clips that a searcher can find. Raises DrivescopeError(BAD_INPUT) if there is none."""
    searcher.refresh()
    library = searcher.library
    store = library.features(searcher.bundle.spec)
    gallery = Gallery(
        library.catalog.clips(),
        indexed=set(store.clip_ids[: store.rows].tolist()),
        failures={failure.path: failure.reason for failure in library.catalog.failures()},
    )
    if not len(gallery):
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, f"The library {library.folder} holds no clips: index footage into it first."
        )
    return gallery


def _queries(request: Request, searcher: Searcher, gallery: Gallery) -> QuerySet:
    truth = read_truth(
        request.queries_file,
        companion=request.companion,
        columns=request.columns,
        known_video=gallery.knows,
    )
    queries = match(truth, gallery, request.rule)
    if not request.judgements:
        return queries
    with contextlib.closing(Judgements(searcher.library.folder)) as store:
        return with_judgements(queries, store.current(), gallery)
