"""The command line: the engine's rooms without a socket, `--json` everywhere.

One JSON object goes to standard output, logs and progress to standard error. Exit codes: 0 done, 1 done with
failures listed (or stopped by the machine: a full disk), 2 wrong use. The window is another program: `open` and
`demo` become it (`python -m explorer`), because core knows nothing of Qt.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn

from core import commands, terminal
from core.arguments import clip_id, clip_length, count, query, stride
from core.commands import DONE, FAILURES, WRONG_USE, Answer
from core.errors import Cancelled, DrivescopeError, ErrorKind, of_os_error
from core.evaluate import command_line as evaluating

MACHINE_KINDS: Final = {ErrorKind.DISK_FULL, ErrorKind.INTERNAL, ErrorKind.BUSY}
"""Failures that are not the fault of how the command was called."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    _take_any_text(as_json=as_json)
    try:
        options = build_parser().parse_args(given)
    except DrivescopeError as error:
        return _refused(error, as_json)
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    try:
        answer, code = options.run(options)
        if options.json:
            print(json.dumps(answer, ensure_ascii=False))
        else:
            options.show(answer)
        sys.stdout.flush()
    except BrokenPipeError:  # `drivescope search ... | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except DrivescopeError as error:
        return _refused(error, as_json)
    except OSError as error:
        return _refused(of_os_error(error), as_json)
    except (Cancelled, KeyboardInterrupt):
        print("drivescope: stopped; what was finished is kept.", file=sys.stderr)
        return FAILURES
    return int(code)


def _take_any_text(*, as_json: bool) -> None:
    """Let no name of a file stop the output in a terminal of another encoding; JSON is UTF-8 everywhere."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                encoding="utf-8" if as_json and stream is sys.stdout else None, errors="backslashreplace"
            )


def _refused(error: DrivescopeError, as_json: bool) -> int:
    """Say what went wrong; the exit code tells a mistake from a failure of the machine."""
    if as_json:
        print(json.dumps({"error": {"kind": error.kind, "sentence": error.sentence}}, ensure_ascii=False))
    print(f"drivescope: {' '.join(error.sentence.splitlines())}", file=sys.stderr)
    return FAILURES if error.kind in MACHINE_KINDS else WRONG_USE


class _Parser(argparse.ArgumentParser):
    """argparse whose word for wrong use is one plain sentence like every other."""

    def error(self, message: str) -> NoReturn:
        raise DrivescopeError(ErrorKind.BAD_INPUT, f"{message} (`{self.prog} --help` shows how).")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = _Parser(prog="drivescope", description="Find moments in driving footage by describing them.")
    parser.set_defaults(
        run=commands.run_window, show=terminal.show_plain, command="open", json=False, library_folder=""
    )
    choices = parser.add_subparsers(dest="command", parser_class=_Parser, metavar="COMMAND")

    def add(
        name: str,
        run: Callable[[argparse.Namespace], Answer],
        help_text: str,
        show: Callable[..., None] = terminal.show_plain,
    ) -> argparse.ArgumentParser:
        command = choices.add_parser(name, help=help_text, description=help_text)
        command.set_defaults(run=run, show=show)
        command.add_argument("--json", action="store_true", help="one JSON object on standard output")
        return command

    def add_model_options(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "--bundle", default="", help="model bundle (default: drive-tiny, or the library's own)"
        )
        command.add_argument("--crop", default="", choices=["", "center", "letterbox", "squash", "three"])
        command.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda", "mps"])

    index = add(
        "index", commands.run_index, "index files and folders of footage into a library", terminal.show_index
    )
    index.add_argument("paths", nargs="+", metavar="PATH")
    index.add_argument("--library", required=True, metavar="DIR")
    index.add_argument(
        "--clip-seconds",
        type=clip_length,
        metavar="S",
        help="length of a clip; default: as the library was cut, 8 for a new one. Given, what is there is cut anew",
    )
    index.add_argument("--stride", type=stride, default=None, metavar="S", help="default: the clip length")
    index.add_argument("--drop-missing", action="store_true", help="forget videos whose files are gone")
    add_model_options(index)

    search = add("search", commands.run_search, "rank a library's clips for a query", terminal.show_search)
    search.add_argument("text", nargs="?", type=query, default="", metavar="TEXT")
    search.add_argument(
        "--like", type=clip_id, metavar="CLIP", help="instead of TEXT: clips like this clip_id"
    )
    search.add_argument("--library", required=True, metavar="DIR", help="a library folder, or `demo`")
    search.add_argument("-k", type=count, default=10, metavar="N", help="hits to return (default 10)")
    search.add_argument("--no-rerank", action="store_true", help="first stage only")
    search.add_argument(
        "--joint", action="store_true", help="weigh in how well query and clip agree slot by slot (MMI-TVR)"
    )
    search.add_argument("--rerank-clips", type=count, default=0, metavar="K", help="clips X-CLIP sees")
    search.add_argument(
        "--judged", action="store_true", help="learn from what you judged for this query (`drivescope judge`)"
    )
    search.add_argument(
        "--name-contains", default="", metavar="PART", help="only videos whose path contains this"
    )
    search.add_argument(
        "--sort",
        choices=["score", "time"],
        default="score",
        help="list the N best by score (default), or by video and time",
    )
    search.add_argument(
        "--save-clips",
        default="",
        metavar="FOLDER",
        help="write the hits as video files, with a list of them",
    )
    add_model_options(search)

    evaluating.add_commands(add, add_model_options)

    explain = add(
        "explain",
        commands.run_explain,
        "show what in a clip answers a query, frame by frame",
        terminal.show_explain,
    )
    explain.add_argument("text", type=query, metavar="TEXT")
    explain.add_argument("clip", metavar="CLIP", type=clip_id, help="a clip_id of `drivescope search --json`")
    explain.add_argument("--library", required=True, metavar="DIR", help="a library folder, or `demo`")
    explain.add_argument("--out", required=True, metavar="FOLDER", help="where pictures and numbers go")
    explain.add_argument(
        "--method",
        default="",
        metavar="M",
        help="agreement (default), patches, removal, relevance, value, rollout, features, or all",
    )
    explain.add_argument("--words", default="", metavar="WORDS", help="only these words of the query")
    explain.add_argument(
        "--against", default="", metavar="TEXT", help="what speaks for TEXT and not for this"
    )
    add_model_options(explain)

    moments = add(
        "moments",
        commands.run_moments,
        "find where in a whole video a query is answered, and for how long",
        terminal.show_moments,
    )
    moments.add_argument("text", type=query, metavar="TEXT")
    moments.add_argument("--library", required=True, metavar="DIR", help="a library folder, or `demo`")
    moments.add_argument(
        "--video", default="", metavar="V", help="part of its path; default: the video of the best clip"
    )
    add_model_options(moments)

    distill = add(
        "distill",
        commands.run_distill,
        "make a bundle of your own domain from captions of a library's clips",
        terminal.show_distill,
    )
    distill.add_argument("--library", required=True, metavar="DIR", help="a library folder, or `demo`")
    distill.add_argument(
        "--captions",
        required=True,
        type=Path,
        metavar="FILE",
        help="CSV (video, start_s, end_s, caption, or video_id, sentence), MSR-VTT JSON, or BDD-X CSV",
    )
    distill.add_argument(
        "--out", required=True, metavar="BUNDLE", help="a name (becomes distilled:NAME), or a folder's path"
    )
    distill.add_argument(
        "--teacher", default="", metavar="FILE", help="a trained X-CLIP (default: trained here, first)"
    )
    distill.add_argument(
        "--finetune",
        type=count,
        default=0,
        metavar="N",
        help="open the towers' top N blocks (decodes the clips)",
    )
    distill.add_argument("--steps", type=count, default=0, metavar="N", help="of each phase")
    distill.add_argument("--seed", type=int, default=0, metavar="N", help="of the split and the training")
    distill.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda", "mps"])

    switch = add(
        "switch", commands.run_switch, "search a library with another bundle on the towers that indexed it"
    )
    switch.add_argument("--library", required=True, metavar="DIR")
    switch.add_argument("--bundle", required=True, help="e.g. distilled:NAME")
    switch.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda", "mps"])

    info = add("info", commands.run_info, "say what a library holds and what made its vectors")
    info.add_argument("--library", required=True, metavar="DIR", help="a library folder, or `demo`")
    info.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda", "mps"])

    for name, help_text in (
        ("open", "open the window on a library"),
        ("demo", "open the window on the demo library"),
    ):
        window = add(name, commands.run_window, help_text)
        if name == "open":
            window.add_argument("library_folder", nargs="?", default="", metavar="DIR")
        window.add_argument("--query", metavar="TEXT", help="search for this at once")
        window.add_argument("--screenshot", metavar="FILE.png", help="save a picture of the window and leave")
        window.add_argument(
            "--tab", metavar="NAME", help="play, why, skeleton or moments: the tab beside the grid"
        )
        window.add_argument("--theme", choices=["dark", "light"])
        window.add_argument("--size", metavar="WxH", help="window size, e.g. 1600x1000")

    engine = add(
        "engine", commands.run_engine, "run the engine alone; prints one JSON line (port, protocol, pid)"
    )
    engine.add_argument("--port", type=int, default=0, help="default: a free one")
    engine.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda", "mps"])

    bench = add("bench", commands.run_bench, "measure ingest and query against floors and the plain script")
    bench.add_argument("paths", nargs="+", metavar="VIDEO")
    add_model_options(bench)

    models = add("models", commands.run_models, "list model bundles, or get one", terminal.show_models)
    models.add_argument("action", nargs="?", choices=["list", "get"], default="list")
    models.add_argument("name", nargs="?", default="")
    models.add_argument(
        "--from", dest="from_file", metavar="FILE", default=None, help="import this local file"
    )

    selftest = add(
        "selftest",
        commands.run_selftest,
        "check a bundle, and a library's vectors, against what they should give",
    )
    selftest.add_argument("--library", default="", metavar="DIR")
    add_model_options(selftest)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
