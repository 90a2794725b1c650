"""Files of ours: written whole or not at all, with a plain sentence when the system says no, and told apart by hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import NO_SPACE, NOT_ALLOWED, DrivescopeError, ErrorKind


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def writing_failed(path: Path, error: OSError) -> DrivescopeError:
    """The sentence for a file that cannot be written."""
    reason = error.strerror or type(error).__name__
    kind, sentence = ErrorKind.BAD_INPUT, f"{path} could not be written ({reason})."
    if error.errno in NO_SPACE:
        kind = ErrorKind.DISK_FULL
        sentence = f"The disk is full: {path} could not be written. Free some space and try again."
    elif error.errno in NOT_ALLOWED:
        kind = ErrorKind.NO_PERMISSION
        sentence = f"{path} may not be written by this user: choose another place or change its permissions."
    return DrivescopeError(kind, sentence, detail=str(error))


@contextmanager
def writing_errors(path: Path) -> Iterator[None]:
    """Turns what the file system says while writing into a `DrivescopeError`."""
    try:
        yield
    except OSError as error:
        raise writing_failed(path, error) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """An empty file beside `path` that takes its place when the block ends, and is removed if the block fails.

    Made by `open` and not by `tempfile`, so that the person's umask decides who may read it, as for any other file
    of theirs. Raises OSError.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    temporary.open("xb").close()
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Calls `write` with a temporary file beside `path`, then moves it into place: whole or not at all.

    Folders on the way are made. Raises DrivescopeError as `writing_failed` tells.
    """
    with writing_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            write(temporary)


def write_text(path: Path, text: str) -> None:
    """UTF-8 with the text's own line ends, as `write_atomically` writes."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8", newline="\n"))
