"""The bundled demo library: built from the shipped clips at first use, in the user's cache folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core import paths
from core.errors import DrivescopeError, ErrorKind
from core.library.ingest import IngestProgress, ingest
from core.library.library import Library

if TYPE_CHECKING:
    from core.models.bundle import ModelBundle


def open_demo(
    bundle: ModelBundle,
    progress: Callable[[IngestProgress], None],
    cancelled: Callable[[], bool],
) -> Library:
    """The demo library made with `bundle`; built, completed or made anew if that is needed.

    It holds nothing that cannot be made again, so a demo library of older weights is simply replaced.
    Raises DrivescopeError(NOT_FOUND) if the demo clips are not installed.
    """
    clips = paths.resources() / "demo"
    shipped = sorted(clips.glob("*.mp4"))
    if not shipped:
        sentence = f"The demo clips are not in {clips}: install Drivescope from its repository."
        raise DrivescopeError(ErrorKind.NOT_FOUND, sentence)
    folder = paths.library_folder(paths.DEMO_NAME)
    library = _open_matching(folder, bundle)
    if library.catalog.clip_count() < len(shipped):
        ingest(library, bundle, [str(clips)], drop_missing=True, progress=progress, cancelled=cancelled)
    return library


def _open_matching(folder: Path, bundle: ModelBundle) -> Library:
    if (folder / "library.db").exists():
        try:
            library = Library.open(folder)
        except DrivescopeError:
            shutil.rmtree(folder)
        else:
            if library.made_with.fingerprint == bundle.spec.fingerprint:
                return library
            library.close()
            shutil.rmtree(folder)
    return Library.create(folder, bundle.spec)
