"""Errors that a person can cause or must hear about: one plain sentence, one kind, never a traceback.

Every room raises these; the command line prints the sentence, the engine sends it as `protocol.Failed`,
the window shows it. A developer's detail (paths, library messages) travels beside the sentence.
"""

from __future__ import annotations

import errno
from enum import StrEnum
from typing import Final

NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says when a disk, a quota or a file system's largest file is full."""
NOT_ALLOWED: Final = (errno.EACCES, errno.EPERM, errno.EROFS)
"""What it says when this user may not."""


class ErrorKind(StrEnum):
    """What went wrong, as a machine can tell it apart. The window chooses its way out by this."""

    BAD_INPUT = "bad_input"  # an empty query, a wrong option, a file of the wrong form
    NOT_FOUND = "not_found"  # a path, clip, bundle or library that is not there
    NO_PERMISSION = "no_permission"
    UNREADABLE = "unreadable"  # a video that cannot be decoded, a damaged library
    DISK_FULL = "disk_full"
    BUSY = "busy"  # somebody else holds the library's write lock
    MISMATCH = "mismatch"  # a library made with another bundle, crop or sampling
    UNAUTHORISED = "unauthorised"
    VERSION = "version"  # window and engine speak different protocol versions
    OFFLINE = "offline"  # weights that are not on this machine
    INTERNAL = "internal"  # a defect of ours; the detail goes to the log


class DrivescopeError(Exception):
    """A failure said in one plain sentence: what is wrong, in which file, what to do.

    `detail` is for the log and for developers; it is never the only explanation.
    """

    def __init__(self, kind: ErrorKind, sentence: str, *, detail: str = "") -> None:
        super().__init__(sentence)
        self.kind = kind
        self.sentence = sentence
        self.detail = detail


def of_os_error(error: OSError) -> DrivescopeError:
    """The plain sentence for what the operating system refused, where no room explained it better."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in NO_SPACE:
        kind, sentence = (
            ErrorKind.DISK_FULL,
            f"The disk is full{where}: make room and try again; nothing was lost.",
        )
    elif error.errno in NOT_ALLOWED:
        kind, sentence = ErrorKind.NO_PERMISSION, f"There is no permission to use a file{where}."
    elif error.errno == errno.ENOENT:
        kind, sentence = ErrorKind.NOT_FOUND, f"A file is not there{where}."
    else:
        reason = error.strerror or type(error).__name__
        kind, sentence = ErrorKind.UNREADABLE, f"The system could not read or write a file{where}: {reason}."
    return DrivescopeError(kind, sentence, detail=str(error))


class Cancelled(Exception):  # noqa: N818 - not an error: nobody shows a dialog for it
    """The person or a newer request stopped this work. Caught where the work began, shown nowhere."""
