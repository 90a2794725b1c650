"""`drivescope evaluate`, `runs` and `judge`: queries with truth in, a stored run and its metrics out.

Every query ranks all clips of the library through the same `Searcher` that serves the window. What a foreign system
ranked comes in as a TREC run file and is measured with the same truth.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.errors import Cancelled, DrivescopeError, ErrorKind
from core.evaluate.account import LISTED, Evaluation, Request
from core.evaluate.across import told, two_libraries
from core.evaluate.compare import compare_runs, reranking_hurt
from core.evaluate.datasets import read_truth
from core.evaluate.files import Step, no_step
from core.evaluate.gallery import Gallery
from core.evaluate.judgements import Judgements, Verdict, with_judgements
from core.evaluate.matching import match, preview
from core.evaluate.rankers import Progress, rank_foreign, rank_library
from core.evaluate.rejudge import open_judged
from core.evaluate.runs import Run, list_runs
from core.evaluate.slices import slices_of
from core.evaluate.table import query_table
from core.evaluate.trec import read_run
from core.evaluate.truth import QuerySet
from core.library.library import Library

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

    def step(stage: str, rows: int) -> None:
        if cancelled():
            raise Cancelled

    queries = _queries(request, searcher, gallery, step)
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


def tell_runs(
    library_folder: Path,
    run_ids: Sequence[str],
    *,
    use_judgements: bool = False,
    only: str = "",
    other_library: Path | None = None,
) -> dict[str, Any]:
    """What `drivescope runs` prints: all runs; one run with its slices and queries; or the second against the first.

    With `use_judgements` the runs are told as people's judgements in their library have the truth; `only` is a slice,
    "property=value", of which the queries are told, the worst first. `other_library` holds the second run (its newest
    one if none is named). Raises DrivescopeError as `open_run` and `compare_runs` do, and NOT_FOUND for a slice that
    the run does not have.
    """
    if other_library is not None:
        return _two_libraries(library_folder, other_library, run_ids, use_judgements=use_judgements)
    if not run_ids:
        return {"runs": list_runs(library_folder)}
    run, *others = open_judged(library_folder, run_ids, use_judgements=use_judgements)
    if only:
        return _one_slice(run, only)
    if others:
        return _compared(run, others[0], library_folder, library_folder)
    return {
        "run": dict(run.facts),
        "slices": [part.as_dict() for part in slices_of(run)],
        "reranking": reranking_hurt(run).as_dict() if len(run.stages) > 1 else None,
        "queries": [row.as_dict() for row in query_table(run)],
    }


def _two_libraries(
    folder: Path, other: Path, run_ids: Sequence[str], *, use_judgements: bool
) -> dict[str, Any]:
    """A run of one library and one of another, the newest of each unless named."""
    first, second = [*run_ids, "", ""][:2]
    (a,) = open_judged(folder, [first], use_judgements=use_judgements)
    (b,) = open_judged(other, [second], use_judgements=use_judgements)
    return _compared(a, b, folder, other)


def _compared(a: Run, b: Run, folder_a: Path, folder_b: Path) -> dict[str, Any]:
    libraries = two_libraries(folder_a, folder_b)
    comparison = compare_runs(a, b, clips=libraries.clips if libraries else None)
    return {
        "a": a.run_id,
        "b": b.run_id,
        "library_a": str(folder_a),
        "library_b": str(folder_b),
        **comparison.as_dict(),
        "matching": told(comparison.left_out, libraries),
    }


def _one_slice(run: Run, name: str) -> dict[str, Any]:
    """A slice of a run with its queries, the worst first."""
    key, _, value = (part.strip() for part in name.partition("="))
    found = [part for part in slices_of(run) if (part.key, part.value) == (key, value)]
    if not found:
        raise DrivescopeError(
            ErrorKind.NOT_FOUND,
            f"The run {run.run_id} has no slice “{name}”: `drivescope runs {run.run_id}` lists those that it has.",
        )
    rows = query_table(run)
    members = sorted((rows[at] for at in found[0].members), key=lambda row: -row.rank)
    return {"run_id": run.run_id, "slice": found[0].as_dict(), "queries": [row.as_dict() for row in members]}


def preview_truth(
    searcher: Searcher, request: Request, most: int = LISTED, step: Step = no_step
) -> dict[str, Any]:
    """What `--preview` prints: the file as it would be read; nothing is searched or stored."""
    gallery = gallery_of(searcher)
    shown = preview(
        request.queries_file,
        gallery,
        request.rule,
        companion=request.companion,
        columns=request.columns,
        step=step,
    )
    return shown.as_dict(most)


def judge(
    library_folder: Path,
    author: str,
    judgement: tuple[str, int, Verdict] | None = None,
    *,
    tags: Sequence[str] = (),
    note: str = "",
    step: Literal["", "undo", "redo"] = "",
) -> dict[str, Any]:
    """What `drivescope judge` does: records (query, clip, verdict), or takes a step back or forth; and what holds then.

    Raises DrivescopeError as `Judgements` does, and NOT_FOUND for a clip or a library that is not there.
    """
    changed: tuple[str, int] | None = None
    with contextlib.closing(Library.open(library_folder)) as library:
        paths = {clip.clip_id: clip for clip in library.catalog.clips()}
        with contextlib.closing(Judgements(library_folder)) as store:
            if judgement:
                query, clip_id, verdict = judgement
                library.catalog.clip(clip_id)
                said = store.judge(query, clip_id, verdict, author=author, tags=tags, note=note)
                changed = said.query, said.clip_id
            elif step:
                changed = store.undo(author) if step == "undo" else store.redo(author)
            held = store.current()
    return {
        "changed": {"query": changed[0], "clip_id": changed[1]} if changed else None,
        "judgements": [
            {
                "query": one.query,
                "clip_id": one.clip_id,
                "video": paths[one.clip_id].path if one.clip_id in paths else "",
                "verdict": one.verdict.value,
                "tags": list(one.tags),
                "note": one.note,
                "author": one.author,
                "made": one.made,
            }
            for one in held
        ],
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


def _queries(request: Request, searcher: Searcher, gallery: Gallery, step: Step = no_step) -> QuerySet:
    truth = read_truth(
        request.queries_file,
        companion=request.companion,
        columns=request.columns,
        known_video=gallery.knows,
        step=step,
    )
    queries = match(truth, gallery, request.rule, step)
    if not request.judgements:
        return queries
    with contextlib.closing(Judgements(searcher.library.folder)) as store:
        return with_judgements(queries, store.current(), gallery)
