"""What the window can be started with. Imports nothing of Qt, so that it can say no quickly."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MAIN_COMMAND = "python -m explorer"
TABS = ("play", "why", "skeleton", "moments")
PICTURE_SIZE = (1440, 900)
"""Of a picture for which nobody named a size: an offscreen screen is too small to judge a window by."""


@dataclass(frozen=True)
class Options:
    """Parsed arguments; "" and None mean: not given."""

    library: str = ""  # a folder, or "demo"
    query: str = ""
    screenshot: str = ""
    theme: str = ""
    size: tuple[int, int] | None = None
    tab: str = ""


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line; exits with 2 and a sentence on a wrong one."""
    parser = argparse.ArgumentParser(prog=MAIN_COMMAND, description="The window of Drivescope.")
    parser.add_argument(
        "what", nargs="?", choices=("open", "demo"), help="open a library folder, or the demo library"
    )
    parser.add_argument("folder", nargs="?", default="", help="the library folder, after `open`")
    parser.add_argument("--query", default="", metavar="TEXT", help="run this query at once")
    parser.add_argument(
        "--screenshot", default="", metavar="FILE.png", help="save a picture of the window and leave"
    )
    parser.add_argument("--theme", default="", choices=("dark", "light"), help="colour scheme")
    parser.add_argument(
        "--size", type=_size, metavar="WxH", help="size of the window in pixels, e.g. 1920x1080"
    )
    parser.add_argument("--tab", default="", choices=TABS, help="the inspector's tab to begin with")
    found = parser.parse_args(arguments)
    if found.what == "open" and not found.folder:
        parser.error("open needs the folder of a library: open DIR")
    if found.what != "open" and found.folder:
        parser.error(f"{found.what or 'no command'} takes no folder; did you mean: open {found.folder}")
    library = (
        "demo" if found.what == "demo" else found.folder and str(Path(found.folder).expanduser().absolute())
    )
    size = found.size or (PICTURE_SIZE if found.screenshot else None)
    return Options(library, found.query, found.screenshot, found.theme, size, found.tab)


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{3,5})x(\d{3,5})", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form 1920x1080")
    return int(found[1]), int(found[2])
