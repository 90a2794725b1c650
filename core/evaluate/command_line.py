"""`drivescope evaluate`, `runs`, `report` and `judge`: their options, and what each does with them.

Heavy imports happen inside the commands, so that `drivescope --help` answers at once.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from core import arguments, opening, paths, terminal
from core.commands import DONE, Answer
from core.errors import DrivescopeError, ErrorKind
from core.files import check_target
from core.terminal import ProgressLine

AddModelOptions = Callable[[argparse.ArgumentParser], None]


class Add(Protocol):
    """Adds a command of this name, what it does, its line of help and how its answer is shown."""

    def __call__(
        self,
        name: str,
        run: Callable[[argparse.Namespace], Answer],
        help_text: str,
        show: Callable[..., None] = terminal.show_plain,
    ) -> argparse.ArgumentParser:
        """The command's parser."""


def add_commands(add: Add, add_model_options: AddModelOptions) -> None:
    """Adds the four commands."""
    _add_evaluate(add, add_model_options)
    _add_runs(add)
    _add_report(add, add_model_options)
    _add_judge(add)


def _add_evaluate(add: Add, add_model_options: AddModelOptions) -> None:
    evaluate = add(
        "evaluate",
        run_evaluate,
        "measure search on queries with ground truth",
        terminal.show_evaluate,
    )
    evaluate.add_argument("--library", required=True, metavar="DIR", help="a library folder, or `demo`")
    evaluate.add_argument(
        "--queries",
        required=True,
        type=Path,
        metavar="FILE",
        help="CSV (query, video, start_s, end_s, relevance), MSR-VTT JSON or CSV, BDD-X CSV, or TREC topics",
    )
    evaluate.add_argument(
        "--with",
        dest="companion",
        type=Path,
        metavar="FILE",
        help="the qrels of TREC topics, or the CSV that chooses videos of an MSR-VTT JSON",
    )
    evaluate.add_argument("--no-rerank", action="store_true", help="first stage only")
    evaluate.add_argument("--k", type=arguments.count, default=0, metavar="K", help="clips X-CLIP sees")
    evaluate.add_argument(
        "--match",
        default="contains",
        choices=["contains", "iou"],
        help="how a clip must meet a true span: share of the shorter one (default), or IoU",
    )
    evaluate.add_argument("--threshold", type=arguments.share, default=0.5, metavar="T", help="default 0.5")
    evaluate.add_argument(
        "--judgements", action="store_true", help="let what people judged in this library overrule the file"
    )
    evaluate.add_argument(
        "--preview",
        action="store_true",
        help="show how the file is read and which rows mean a clip; store nothing",
    )
    evaluate.add_argument("--name", default="", help="what the run is called (default: the bundle)")
    evaluate.add_argument("--trec-out", type=Path, metavar="FILE", help="write the rankings as a TREC run")
    evaluate.add_argument(
        "--run", dest="run_file", type=Path, metavar="FILE", help="measure this TREC run instead of searching"
    )
    add_model_options(evaluate)


def _add_runs(add: Add) -> None:
    runs = add("runs", run_runs, "list evaluations, look into one, or compare two", terminal.show_runs)
    runs.add_argument(
        "runs",
        nargs="*",
        metavar="RUN",
        help="ids or names; none: list; one: its slices; two: second against first",
    )
    runs.add_argument("--library", required=True, metavar="DIR", help="a library folder, or `demo`")
    runs.add_argument(
        "--judgements", action="store_true", help="read the runs under what people judged since"
    )
    runs.add_argument(
        "--other-library", default="", metavar="DIR", help="the second run is one of this library"
    )
    runs.add_argument(
        "--slice", default="", metavar="PROPERTY=VALUE", help="the queries of one slice, the worst first"
    )


def _add_report(add: Add, add_model_options: AddModelOptions) -> None:
    report = add(
        "report",
        run_report,
        "write a run as one HTML file with its evidence, and CSV and JSON beside it",
        terminal.show_report,
    )
    report.add_argument(
        "run_id", nargs="?", default="", metavar="RUN", help="its id or name; default: the newest"
    )
    report.add_argument("--library", required=True, metavar="DIR", help="a library folder, or `demo`")
    report.add_argument("--out", required=True, type=Path, metavar="FILE.html")
    report.add_argument("--against", default="", metavar="RUN", help="compare with this one")
    report.add_argument(
        "--other-library",
        default="",
        metavar="DIR",
        help="the run to compare with is one of this library (its newest unless named)",
    )
    report.add_argument(
        "--judgements", action="store_true", help="read the runs under what people judged since"
    )
    report.add_argument(
        "--cases", type=arguments.cases, default=8, metavar="N", help="worst queries to look at (default 8)"
    )
    report.add_argument(
        "--case",
        dest="named",
        action="append",
        default=[],
        metavar="QUERY",
        help="look at this query first, by its number or text; may be given again",
    )
    add_model_options(report)


def _add_judge(add: Add) -> None:
    judge = add(
        "judge",
        run_judge,
        "say whether a clip answers a query, or list what was said",
        terminal.show_judge,
    )
    judge.add_argument("text", nargs="?", type=arguments.query, metavar="TEXT")
    judge.add_argument("clip", nargs="?", metavar="CLIP", type=arguments.clip_id, help="a clip_id")
    judge.add_argument("verdict", nargs="?", choices=["relevant", "partly", "not", "unsure", "withdrawn"])
    judge.add_argument("--library", required=True, metavar="DIR", help="a library folder, or `demo`")
    judge.add_argument(
        "--tag",
        dest="tags",
        action="append",
        default=[],
        metavar="TAG",
        help="why it failed, e.g. `wrong order`",
    )
    judge.add_argument("--note", default="", metavar="TEXT")
    judge.add_argument("--author", default=arguments.user(), metavar="NAME", help="default: the user's name")
    step = judge.add_mutually_exclusive_group()
    step.add_argument("--undo", dest="step", action="store_const", const="undo", default="")
    step.add_argument("--redo", dest="step", action="store_const", const="redo", default="")


def run_evaluate(options: argparse.Namespace) -> Answer:
    """Measure a library's search, or a foreign system's run, on queries with ground truth."""
    from core.evaluate.account import Request
    from core.evaluate.command import evaluate_foreign, evaluate_library, preview_truth
    from core.evaluate.truth import SpanRule

    if options.trec_out:
        check_target(options.trec_out)
    request = Request(
        queries_file=options.queries,
        companion=options.companion,
        rule=SpanRule(options.match, options.threshold),
        name=options.name,
        trec_out=options.trec_out,
        judgements=options.judgements,
    )
    with opening.open_searcher(options) as searcher:
        from core.search.rerank import RERANK_CLIPS

        if options.preview:
            reading = ProgressLine("Reading")
            shown = preview_truth(
                searcher, request, step=lambda stage, rows: reading.say(f"{stage}: {rows:,} rows")
            )
            reading.end()
            return shown, DONE
        if options.run_file:
            return evaluate_foreign(searcher, request, options.run_file), DONE
        show = ProgressLine("Evaluating")
        rerank_clips = 0 if options.no_rerank else (options.k or RERANK_CLIPS)
        answer = evaluate_library(searcher, request, rerank_clips=rerank_clips, progress=show.queries)
        show.end()
    return answer, DONE


def run_runs(options: argparse.Namespace) -> Answer:
    """List stored evaluations, look into one, or compare two."""
    from core.evaluate.command import tell_runs

    other = options.other_library
    if len(options.runs) > 2 or (options.slice and (other or len(options.runs) != 1)):
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, "Name no run, one, or two to compare; --slice is about one run."
        )
    answer = tell_runs(
        paths.library_folder(options.library),
        options.runs,
        use_judgements=options.judgements,
        only=options.slice,
        other_library=paths.library_folder(other) if other else None,
    )
    return answer, DONE


def run_report(options: argparse.Namespace) -> Answer:
    """Write a run's report: one HTML file that needs nothing else, and CSV and JSON beside it."""
    from core.evaluate.report.write import write_report
    from core.evaluate.runs import run_called

    folder = paths.library_folder(options.library)
    run_id = run_called(folder, options.run_id)
    other = paths.library_folder(options.other_library) if options.other_library else folder
    against = run_called(other, options.against) if options.against or options.other_library else ""
    library, bundle = opening.open_library(options)
    with contextlib.closing(library):
        show = ProgressLine("Looking at cases")
        files = write_report(
            library,
            bundle,
            run_id,
            options.out,
            against=against,
            other_library=other,
            use_judgements=options.judgements,
            cases=options.cases,
            named=options.named,
            progress=show.queries,
        )
        show.end()
    return {"run": run_id, "files": [str(path) for path in files]}, DONE


def run_judge(options: argparse.Namespace) -> Answer:
    """Record whether a clip answers a query, undo or redo that, or list what was judged."""
    from core.evaluate.command import judge
    from core.evaluate.judgements import Verdict

    said = (options.text, options.clip, options.verdict)
    if any(part is not None for part in said) and not all(part is not None for part in said):
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            'A judgement needs a query, a clip and a verdict, e.g. `judge "a red car" 12 relevant`.',
        )
    if options.text is not None and options.step:
        raise DrivescopeError(ErrorKind.BAD_INPUT, f"Judge or --{options.step}, not both at once.")
    judgement = (options.text, options.clip, Verdict(options.verdict)) if options.text is not None else None
    answer = judge(
        paths.library_folder(options.library),
        options.author,
        judgement,
        tags=options.tags,
        note=options.note,
        step=options.step,
    )
    return answer, DONE
