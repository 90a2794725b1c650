"""Which video files lie under the paths that a person named."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from core.errors import ErrorKind
from core.library.catalog import FailureRow
from core.library.timeline import printable

EXTENSIONS: Final = frozenset(
    (".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v", ".ts", ".hevc", ".h264", ".gif")
)


@dataclass
class Found:
    """Real paths of videos in a fixed order, each once; what could not be looked at; and the roots looked under."""

    files: list[Path] = field(default_factory=list)
    failed: list[FailureRow] = field(default_factory=list)
    roots: list[Path] = field(default_factory=list)

    def covers(self, path: str) -> bool:
        """Whether `path` is one of the roots or lies under one."""
        return any(Path(path).is_relative_to(root) for root in self.roots)


def find_videos(paths: Iterable[str | Path]) -> Found:
    """Videos among `paths` and in folders below them, by extension in any case, hidden ones left out.

    Links are followed, each folder is entered once (so loops end), and a file that is reached twice counts
    once, under its real path.
    """
    found = Found()
    seen: set[Path] = set()
    for given in paths:
        root = Path(given).expanduser()
        try:
            root = root.resolve()
        except (OSError, RuntimeError):  # a link that leads to itself
            root = root.absolute()
        found.roots.append(root)
        for file in _under(root, found):
            if file not in seen:
                seen.add(file)
                found.files.append(file)
    return found


def _under(root: Path, found: Found) -> Iterator[Path]:
    if _exists(root) and root.is_dir():
        before = len(found.failed)
        files = list(_walk(root, found))
        if not files and len(found.failed) == before:
            known = " ".join(sorted(extension[1:] for extension in EXTENSIONS))
            found.failed.append(
                _failure(root, ErrorKind.NOT_FOUND, f"There is no video in {root} (looked for {known}).")
            )
        yield from files
    elif not _exists(root):
        found.failed.append(
            _failure(root, ErrorKind.NOT_FOUND, f"{root} is not there: check the name, or connect its disk.")
        )
    elif root.suffix.lower() in EXTENSIONS:
        yield root
    else:
        found.failed.append(
            _failure(root, ErrorKind.BAD_INPUT, f"{root.name} is not a kind of video that Drivescope reads.")
        )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name longer than the file system allows, a link that leads to itself
        return False


def _walk(root: Path, found: Found) -> Iterator[Path]:
    """Files below `root` in order of their names."""

    def unreadable(error: OSError) -> None:
        folder = Path(error.filename or root)
        reason = f"The folder {folder} may not be read ({error.strerror}): change its permissions."
        found.failed.append(_failure(folder, ErrorKind.NO_PERMISSION, reason))

    entered: set[Path] = set()
    for folder, folders, names in os.walk(root, followlinks=True, onerror=unreadable):
        here = Path(folder)
        real = here.resolve()
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in EXTENSIONS:
                file = here / name
                yield file.resolve() if _exists(file) else file


def _failure(path: Path, kind: ErrorKind, reason: str) -> FailureRow:
    return FailureRow(printable(str(path)), kind.value, printable(reason))
