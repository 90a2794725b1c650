"""Writing files: whole or not at all, and with a plain sentence when the system says no."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import DrivescopeError, ErrorKind


def writing_failed(path: Path, error: OSError) -> DrivescopeError:
    """The sentence for a file that cannot be written."""
    reason = error.strerror or type(error).__name__
    kind, sentence = ErrorKind.BAD_INPUT, f"{path} could not be written ({reason})."
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        kind = ErrorKind.DISK_FULL
        sentence = f"The disk is full: {path} could not be written. Free some space and try again."
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
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


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Calls `write` with a temporary file beside `path`, then moves it into place: whole or not at all.

    Folders on the way are made. Raises DrivescopeError as `writing_failed` tells.
    """
    with writing_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        temporary = Path(name)
        try:
            write(temporary)
            temporary.chmod(0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
