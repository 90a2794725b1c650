"""What may stand behind an option: each turns a word of the command line into a value, or says what is wrong."""

from __future__ import annotations

import argparse
import getpass
import math
from collections.abc import Callable
from typing import TypeVar

from core.library.clips import LONGEST_S, SHORTEST_CLIP_S, SHORTEST_STRIDE_S

Number = TypeVar("Number", int, float)


def user() -> str:
    """Who sits here, as far as the machine knows."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "somebody"


def query(text: str) -> str:
    """What is looked for; bytes that are no text (a terminal of another encoding) become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def clip_length(text: str) -> float:
    """How long clips are, in seconds."""
    return _seconds(text, SHORTEST_CLIP_S, LONGEST_S)


def stride(text: str) -> float:
    """How far one clip starts after the other, in seconds."""
    return _seconds(text, SHORTEST_STRIDE_S, LONGEST_S)


def share(text: str) -> float:
    """A share above 0, at most 1."""
    return _between(text, float, math.ulp(0.0), 1.0, "a number above 0 and at most 1")


def clip_id(text: str) -> int:
    """The number of a clip."""
    if not text.isdecimal() or len(text) > 18:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no clip number; `drivescope search --json` gives clip_id"
        )
    return int(text)


def cases(text: str) -> int:
    """How many queries a report looks at."""
    return _between(text, int, 0, 1000, "a whole number between 0 and 1000")


def count(text: str) -> int:
    """How many of something, at least one."""
    return _between(text, int, 1, 1_000_000, "a whole number between 1 and 1000000")


def _seconds(text: str, least: float, most: float) -> float:
    return _between(text, float, least, most, f"a number of seconds between {least:g} and {most:g}")


def _between(text: str, kind: Callable[[str], Number], least: float, most: float, wanted: str) -> Number:
    """`text` as a number from `least` to `most`; argparse's own words for what is none name our functions."""
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not least <= value <= most:
        raise argparse.ArgumentTypeError(f"'{text}' is not {wanted}")
    return value
