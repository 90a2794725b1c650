"""Files of ours: written whole or not at all, with a plain sentence when the system says no, and told apart by hash."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from core.errors import NO_SPACE, NOT_ALLOWED, DrivescopeError, ErrorKind

UNFINISHED: Final = ".unfinished-"
"""How folders begin that are not there yet, or no longer; what a crash leaves of them is swept away by a later one."""
_LEFT_S: Final = 3600.0
"""So long nobody fills a folder without touching it: an older one was left by a crash, a younger one is another's."""


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


def check_target(path: Path) -> None:
    """Whether a file can be written at `path`, asked before the work whose outcome it is to hold.

    What is there stays, and nothing is left behind. Raises DrivescopeError as `writing_failed` tells.
    """
    with writing_errors(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        _try_to_write(path.parent, path.name)


def check_target_folder(folder: Path) -> None:
    """Whether files can be written into `folder`, which need not be there; as `check_target`."""
    with writing_errors(folder):
        _try_to_write(folder, "")


def _try_to_write(folder: Path, name: str) -> None:
    """Makes and removes a file in the nearest folder that is there; only the system knows all of its own reasons."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    tried = there / f".{name}.{secrets.token_hex(4)}.partial"
    tried.open("xb").close()
    tried.unlink()


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


@contextmanager
def new_folder(root: Path, name: str) -> Iterator[tuple[Path, Path]]:
    """A folder to fill, and the place below `root` where it appears, whole, when the block ends well.

    If the name is taken, the place is the next free one: name-2, name-3. Raises DrivescopeError as `writing_failed`
    tells; then nothing is left behind.
    """
    place = root / name
    with writing_errors(place):
        root.mkdir(parents=True, exist_ok=True)
        _sweep(root)
        number = 1
        while place.exists():
            number += 1
            place = root / f"{name}-{number}"
        unfinished = _fresh_folder(root)
        try:
            yield unfinished, place
            unfinished.replace(place)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise


def _sweep(root: Path) -> None:
    """Removes what crashes left below `root`, and nothing that another process is at work on."""
    for left in root.glob(f"{UNFINISHED}*"):
        with suppress(FileNotFoundError):  # another process was first
            if time.time() - left.stat().st_mtime > _LEFT_S:
                shutil.rmtree(left, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Forgets a folder; it vanishes in one step. Raises DrivescopeError as `writing_failed` tells."""
    with writing_errors(folder):
        going = _fresh_folder(folder.parent)
        try:
            folder.replace(going / folder.name)
        finally:
            shutil.rmtree(going, ignore_errors=True)


def _fresh_folder(root: Path) -> Path:
    """With the permissions that the umask gives, unlike those of `tempfile`."""
    made = root / f"{UNFINISHED}{secrets.token_hex(4)}"
    made.mkdir()
    return made
