"""What may stand behind an option: each turns a word of the command line into a value, or says what is wrong."""

from __future__ import annotations

import argparse
import getpass


def user() -> str:
    """Who sits here, as far as the machine knows."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "somebody"


def positive(text: str) -> float:
    """A number of seconds."""
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError("it must be a positive number of seconds")
    return value


def share(text: str) -> float:
    """A share above 0, at most 1."""
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError("it must be above 0 and at most 1")
    return value


def clip_id(text: str) -> int:
    """The number of a clip."""
    if not text.isdecimal() or len(text) > 18:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no clip number; `drivescope search --json` gives clip_id"
        )
    return int(text)


def cases(text: str) -> int:
    """How many queries a report looks at."""
    value = int(text)
    if not 0 <= value <= 1000:
        raise argparse.ArgumentTypeError("it must be between 0 and 1000")
    return value


def count(text: str) -> int:
    """How many of something, at least one."""
    value = int(text)
    if not 1 <= value <= 1_000_000:
        raise argparse.ArgumentTypeError("it must be between 1 and 1000000")
    return value
