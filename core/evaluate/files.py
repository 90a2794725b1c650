"""Text files that people bring: read whole, or a plain sentence that says why not."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from core.errors import DrivescopeError, ErrorKind

T = TypeVar("T")
Step = Callable[[str, int], None]
"""Told what is done with a file's rows, and how many so far; whoever wants it to stop raises."""
LARGEST_BYTES: Final = 1 << 30
_ROWS_A_STEP: Final = 2000
_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order marks and what they announce; the longer mark of two that begin alike comes first."""


@dataclass(frozen=True)
class TextFile:
    """A whole text file: its text without a byte order mark, its encoding, and the sha256 of its bytes."""

    path: Path
    text: str
    encoding: str
    sha256: str


def read_text(path: Path) -> TextFile:
    """The text of `path`, UTF-8 or announced by a byte order mark.

    Raises DrivescopeError: NOT_FOUND, NO_PERMISSION, UNREADABLE, or BAD_INPUT for an empty file, a folder, more
    than a gigabyte, or bytes that are no text, naming the line.
    """
    with reading_errors(path):
        if path.is_dir():
            raise DrivescopeError(ErrorKind.BAD_INPUT, f"{path} is a folder: name a file.")
        if path.stat().st_size > LARGEST_BYTES:
            raise DrivescopeError(
                ErrorKind.BAD_INPUT, f"{path} is larger than a gigabyte: split it into smaller files."
            )
        content = path.read_bytes()
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"{path} is not UTF-8 text: line {line} holds the byte 0x{content[error.start]:02X}. "
            "Save it as UTF-8 and try again.",
            detail=str(error),
        ) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, f"{path} is not a text file: line {line} holds a zero byte."
        )
    if not text.strip():
        raise DrivescopeError(ErrorKind.BAD_INPUT, f"{path} is empty.")
    return TextFile(path, text, encoding, hashlib.sha256(content).hexdigest())


def no_step(stage: str, rows: int) -> None:
    """Nobody watches."""


def watched(rows: Iterable[T], stage: str, step: Step) -> Iterator[T]:
    """The rows as they come; `step` is called every two thousand of them, so that a million can be stopped."""
    for number, row in enumerate(rows):
        if number % _ROWS_A_STEP == 0:
            step(stage, number)
        yield row


@contextmanager
def reading_errors(path: Path) -> Iterator[None]:
    """Turns what the file system says while reading into a `DrivescopeError`."""
    try:
        yield
    except FileNotFoundError as error:
        raise DrivescopeError(ErrorKind.NOT_FOUND, f"There is no file {path}.") from error
    except PermissionError as error:
        raise DrivescopeError(ErrorKind.NO_PERMISSION, f"{path} may not be read by this user.") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DrivescopeError(
            ErrorKind.UNREADABLE, f"{path} could not be read ({reason}).", detail=str(error)
        ) from error
