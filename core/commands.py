"""What each command does: takes parsed options, gives one answer (a JSON-ready dict) and an exit code.

Heavy imports happen inside the commands, so that `drivescope --help` and `drivescope open` answer at once.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from core import opening, paths
from core.arguments import user
from core.errors import DrivescopeError, ErrorKind
from core.files import check_target, check_target_folder
from core.terminal import ProgressLine

if TYPE_CHECKING:
    from core.explain.joint_score import JointScorer
    from core.library.library import Library
    from core.protocol import Feedback, Ranked
    from core.search.pipeline import Searcher

DONE: Final = 0
FAILURES: Final = 1
WRONG_USE: Final = 2

Answer = tuple[dict[str, Any], int]


def run_index(options: argparse.Namespace) -> Answer:
    """Index footage into a library, which is made if it is not there."""
    from core.library.ingest import ingest
    from core.library.library import Library

    folder = paths.library_folder(options.library)
    if options.library == paths.DEMO_NAME:
        sentence = "The demo library holds the shipped clips only: name a folder of your own with --library."
        raise DrivescopeError(ErrorKind.BAD_INPUT, sentence)
    library = Library.open(folder) if (folder / "library.db").exists() else None
    if library is None and not any(Path(given).expanduser().exists() for given in options.paths):
        sentence = f"{options.paths[0]} is not there: check the name, or connect its disk."
        raise DrivescopeError(ErrorKind.NOT_FOUND, sentence)
    name, crop = (library.made_with.reference, library.made_with.crop) if library else ("", "")
    bundle = opening.load(options, options.bundle or name, options.crop or crop)
    bundle.selftest()
    if library is None:
        library = Library.create(folder, bundle.spec)
    with contextlib.closing(library):
        show = ProgressLine("Indexing")
        report = ingest(
            library,
            bundle,
            options.paths,
            clip_seconds=options.clip_seconds or 0.0,
            stride_s=options.stride or 0.0,
            recut=options.clip_seconds is not None,
            drop_missing=options.drop_missing or _may_drop(library, options),
            progress=show,
            cancelled=lambda: False,
        )
        show.end()
        library.selftest(bundle.spec)
    answer = {
        "videos": report.videos,
        "clips": report.clips,
        "added": report.added,
        "removed": report.removed,
        "failed": [{"path": f.path, "kind": f.kind, "reason": f.reason} for f in report.failed],
        "missing": list(report.missing),
        "bundle": bundle.spec.name,
        "device": bundle.device.type,
        "precision": bundle.precision,
        "seconds": round(report.seconds, 3),
        "video_seconds": round(report.video_seconds, 3),
    }
    return answer, FAILURES if report.failed else DONE


def run_search(options: argparse.Namespace) -> Answer:
    """Rank a library's clips for one query, or by how like they are to one of them."""
    if bool(options.text) == (options.like is not None):
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, "The query is empty: type what you look for, or --like a clip."
        )
    if options.judged and options.like is not None:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            "--judged learns from what was judged for a text: give TEXT instead of --like.",
        )
    save_in = Path(options.save_clips).expanduser() if options.save_clips else None
    if save_in is not None:
        check_target_folder(save_in)
    with opening.open_searcher(options) as searcher:
        from core.protocol import Filters, in_order_of_time, passed_over
        from core.search.rerank import RERANK_CLIPS

        rerank_clips = 0 if options.no_rerank else (options.rerank_clips or RERANK_CLIPS)
        filters = Filters(name_contains=options.name_contains)
        joint = _joint(searcher) if options.joint else None
        if options.like is not None:
            ranked = searcher.similar(options.like, k=options.k, filters=filters)
        else:
            if joint is None and not options.judged:
                searcher.line.find(searcher.bundle)
            *_, ranked = searcher.search(
                options.text,
                k=options.k,
                rerank_clips=rerank_clips,
                filters=filters,
                joint=joint,
                feedback=_judged(searcher, options) if options.judged else None,
            )
        saved = _saved(searcher, ranked, save_in) if save_in is not None else {}
    if ranked.unlearned:
        print(passed_over(ranked.unlearned), file=sys.stderr)
    hits = [
        {
            "rank": hit.rank,
            "clip_id": hit.clip_id,
            "video": hit.video,
            "start_s": round(hit.start_s, 3),
            "end_s": round(hit.end_s, 3),
            "score": hit.score,
            "rerank_score": hit.rerank_score,
            "first_rank": hit.first_rank,
            "percentile": hit.percentile,
            "taken": hit.taken,
            "learned": hit.learned,
        }
        for hit in (in_order_of_time(ranked.hits) if options.sort == "time" else ranked.hits)
    ]
    answer = {
        "query": ranked.query,
        "without": list(ranked.without),
        "learned": msgspec.to_builtins(ranked.learned),
        "like": options.like,
        "sort": options.sort,
        "bundle": searcher.bundle.spec.name,
        "stage": ranked.stage,
        "searched_clips": ranked.searched_clips,
        "likely": ranked.likely,
        "timings_ms": ranked.timings_ms,
        "cut_words": list(ranked.cut_words),
        "unlearned": list(ranked.unlearned),
        "notes": list(ranked.notes),
        "hits": hits,
        **saved,
    }
    return answer, FAILURES if saved.get("failed") else DONE


def _judged(searcher: Searcher, options: argparse.Namespace) -> Feedback:
    from core.evaluate.judgements import feedback_of

    return feedback_of(searcher.library.folder, options.text, user())


def run_explain(options: argparse.Namespace) -> Answer:
    """Write heatmaps of one clip for a query, each with its faithfulness."""
    from core.explain.command import EXPLANATION, explain_clip

    folder = Path(options.out).expanduser()
    check_target_folder(folder)
    library, bundle = opening.open_library(options)
    with contextlib.closing(library):
        bundle.selftest()
        maps = explain_clip(
            library,
            bundle,
            options.text,
            options.clip,
            folder,
            method=options.method,
            words=options.words,
            against=options.against,
        )
    facts = {"query": options.text, "clip_id": options.clip, "bundle": bundle.spec.name}
    return {**facts, "explanation": str(folder / EXPLANATION), "maps": maps}, DONE


def run_moments(options: argparse.Namespace) -> Answer:
    """Find the spans of one video that answer a query."""
    from core.explain.moments_command import moments_of_video

    with opening.open_searcher(options) as searcher:
        return moments_of_video(searcher, options.text, options.video), DONE


def run_info(options: argparse.Namespace) -> Answer:
    """Say what a library holds and how its vectors were made."""
    library, bundle = opening.open_library(options)
    with contextlib.closing(library):
        videos = library.catalog.videos()
        failures = library.catalog.failures()
        answer = {
            "library": str(library.folder),
            "videos": len(videos),
            "clips": library.catalog.clip_count(),
            "video_seconds": round(sum(v.duration_s for v in videos), 3),
            "failed": [{"path": f.path, "kind": f.kind, "reason": f.reason} for f in failures],
            "missing": [v.path for v in videos if not Path(v.path).exists()],
            "manifest": library.made_with.as_dict(),
            "bundle": library.made_with.bundle,
            "label": bundle.spec.label,
            "device": bundle.device.type,
            "precision": bundle.precision,
        }
    return answer, DONE


def run_window(options: argparse.Namespace) -> Answer:
    """Become the window. Returns only if that is impossible."""
    if picture := getattr(options, "screenshot", None):
        check_target(Path(picture))
    command = [sys.executable, "-m", "explorer"]
    if options.command == "demo":
        command.append("demo")
    elif options.library_folder:
        command += ["open", options.library_folder]
    for name in ("query", "screenshot", "theme", "size", "tab"):
        if value := getattr(options, name, None):
            command += [f"--{name}", str(value)]
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execv(sys.executable, command)
    import subprocess

    raise SystemExit(subprocess.run(command, check=False).returncode)


def run_engine(options: argparse.Namespace) -> Answer:
    """Run the engine alone, for a window on this or (through ssh) another machine."""
    from core.engine.service import main as serve

    raise SystemExit(serve(leave_with_parent=False, port=options.port, device=options.device))


def run_bench(options: argparse.Namespace) -> Answer:
    """Measure ingest and query against floors and the plain script, in one run."""
    from core.bench import run_bench as bench

    show = ProgressLine("Measuring")
    answer = bench(
        [Path(p) for p in options.paths], opening.load(options, options.bundle, options.crop), show.say
    )
    show.end()
    return answer, DONE


def run_models(options: argparse.Namespace) -> Answer:
    """List the model bundles, or bring one onto this machine."""
    from core.models.registry import available_bundles, fetch_model

    if options.action == "get":
        if not options.name:
            raise DrivescopeError(
                ErrorKind.BAD_INPUT, "Name the bundle to get; `drivescope models` lists them."
            )
        show = ProgressLine(f"Getting {options.name}")
        fetch_model(options.name, progress=show.bytes, cancelled=lambda: False, from_file=options.from_file)
        show.end()
    rows = [{name: getattr(row, name) for name in row.__struct_fields__} for row in available_bundles()]
    return {"models": rows}, DONE


def run_distill(options: argparse.Namespace) -> Answer:
    """Teach a student of the user's own domain from captions of a library's clips."""
    library, bundle = opening.open_library(options)
    with contextlib.closing(library):
        from core.training.distill import Request, distill

        bundle.selftest()
        show = ProgressLine("Distilling")
        request = Request(
            options.captions,
            options.out,
            options.teacher,
            options.finetune,
            options.steps,
            options.seed,
            options.device,
        )
        answer = distill(library, bundle, request, say=show.share, told=show.steps, warn=show.warn)
        show.end()
    return {**answer, "library": options.library}, DONE


def run_switch(options: argparse.Namespace) -> Answer:
    """Give a library the vectors of another bundle on the same towers, from the frame vectors that it keeps."""
    from core.library.library import Library
    from core.library.switch import switch

    if options.library == paths.DEMO_NAME:
        sentence = "The demo library is searched with the shipped bundle only: index footage of your own."
        raise DrivescopeError(ErrorKind.BAD_INPUT, sentence)
    with contextlib.closing(Library.open(paths.library_folder(options.library))) as library:
        bundle = opening.load(options, options.bundle, library.made_with.crop)
        bundle.selftest()
        before = library.made_with.reference
        clips = switch(library, bundle)
        library.selftest(bundle.spec)
    return {"library": options.library, "bundle": bundle.spec.name, "before": before, "clips": clips}, DONE


def run_selftest(options: argparse.Namespace) -> Answer:
    """Check that a bundle (and a library's vectors) give what they should."""
    if options.library:
        with opening.open_searcher(options) as searcher:
            searcher.bundle.selftest()
            checked = searcher.library.selftest(searcher.bundle.spec)
            return {"bundle": searcher.bundle.spec.name, "ok": True, "library": checked}, DONE
    bundle = opening.load(options, options.bundle, options.crop)
    bundle.selftest()
    return {"bundle": bundle.spec.name, "ok": True}, DONE


# --- shared steps -------------------------------------------------------------------------------------


def _joint(searcher: Searcher) -> JointScorer:
    """What weighs skeletons into the rerank."""
    from core.explain.joint_score import JointScorer
    from core.explain.ontology import load_ontology

    return JointScorer(searcher.bundle, load_ontology())


def _saved(searcher: Searcher, ranked: Ranked, folder: Path) -> dict[str, Any]:
    """The hits' clips as video files in `folder`: what was saved, and what could not be."""
    from core.library.save_clips import save_clips

    show = ProgressLine("Saving clips")
    clips = [(hit.rank, searcher.library.catalog.clip(hit.clip_id)) for hit in ranked.hits]
    report = save_clips(clips, folder, progress=lambda done, name: show.steps(name, done, len(clips)))
    show.end()
    return {
        "saved_in": str(folder),
        "saved": [clip.file for clip in report.saved],
        "failed": [{"path": f.path, "kind": f.kind, "reason": f.reason} for f in report.failed],
    }


def _may_drop(library: Library, options: argparse.Namespace) -> bool:
    """Ask, on a terminal, whether videos whose files are gone may be forgotten."""
    gone = [v.path for v in library.catalog.videos() if not Path(v.path).exists()]
    if not gone or options.json or not sys.stdin.isatty():
        return False
    print(f"{len(gone)} videos of this library are gone, e.g. {gone[0]}", file=sys.stderr)
    return input("Drop them from the library? [y/N] ").strip().lower() in {"y", "yes"}
