"""A library on disk: one folder with the catalogue, the vectors and the thumbnails, and nothing else.

    library.db          which videos, clips and failures there are      catalog.py
    features/<bundle>/  the clips' vectors and what made them           features.py
                        where its matches end, `cuts.json`              core/search/line.py
    thumbs/             a strip of twelve small pictures for each clip  thumbs.py
    queries/            imported queries with truth                     core/evaluate/query_sets.py
    runs/               evaluations on queries with truth               core/evaluate/runs.py
    judgements.db       what people judged                              core/evaluate/judgements.py
    skeletons.db        what people corrected, and measured motion      core/explain/skeleton_store.py
    library.lock        held by whoever writes

Delete the folder and it never happened: footage is neither copied nor altered.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import numpy as np
from filelock import FileLock, Timeout

from core.errors import DrivescopeError, ErrorKind
from core.library import thumbs
from core.library.catalog import Catalog
from core.library.encoder import VectorSpec
from core.library.features import MANIFEST, FeatureStore, MadeWith, Manifest, check_made_with
from core.library.storage import storage_errors

CATALOG: Final = "library.db"
LOCK: Final = "library.lock"
_FEATURES: Final = "features"
_FEATURE_ID: Final = "feature_id"
_CHECKED_ROWS: Final = 4096
_MAY_LOOK_ALIKE: Final = 4
"""So few clips may truly be the same: a copy of a video, a parked car."""
Build = tuple[int, int]
"""Device and inode. An open catalogue keeps its own, so that no other file can have it as long as it is open."""


class Library:
    """An open library. Made by `create`, `open` or `reopen`; `close` it when done.

    Reading needs no lock; whoever writes holds `lock`.
    """

    def __init__(
        self, folder: Path, catalog: Catalog, made_with: MadeWith, feature_id: str, build: Build
    ) -> None:
        self.folder = folder
        self.catalog = catalog
        self.made_with = made_with
        self.feature_id = feature_id
        self.build = build

    @classmethod
    def create(cls, folder: Path, spec: VectorSpec) -> Self:
        """A new library for the vectors of `spec`. A library that is already there is opened instead.

        Raises DrivescopeError(MISMATCH) if the one there was made with another bundle, and (BAD_INPUT) if
        the folder's place is taken by a file.
        """
        folder = folder.expanduser().absolute()
        if folder.exists() and not folder.is_dir():
            raise DrivescopeError(ErrorKind.BAD_INPUT, f"{folder} is a file: name a folder for the library.")
        with storage_errors(folder / CATALOG):
            folder.mkdir(parents=True, exist_ok=True)
        if not (folder / CATALOG).exists():
            with _locked(folder):
                _make(folder, spec)
        library = cls.open(folder)
        try:
            library._check(spec)
        except DrivescopeError:
            library.close()
            raise
        return library

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The library in `folder`. Raises DrivescopeError(NOT_FOUND) if there is none."""
        folder = folder.expanduser().absolute()
        if not (folder / CATALOG).is_file():
            raise DrivescopeError(
                ErrorKind.NOT_FOUND, f"There is no library in {folder}: index footage into it first."
            )
        build = _build_of(folder)  # first: who takes its place in between is noticed by `follow`
        catalog = Catalog(folder / CATALOG)
        try:
            return cls._of(folder, catalog, build)
        except BaseException:
            catalog.close()
            raise

    @classmethod
    def _of(cls, folder: Path, catalog: Catalog, build: Build) -> Self:
        feature_id = catalog.setting(_FEATURE_ID)
        if feature_id is None:
            raise DrivescopeError(
                ErrorKind.UNREADABLE,
                f"{folder / CATALOG} does not say where its vectors are: delete {folder} and index again.",
            )
        manifest = Manifest.read(folder / _FEATURES / feature_id)
        return cls(folder, catalog, manifest.made_with, feature_id, build)

    def reopen(self) -> Library:
        """The same library over a catalogue connection of its own."""
        return type(self).open(self.folder)

    def follow(self) -> None:
        """Becomes the library that was built in this one's place since, if one was; `build` tells them apart.

        Raises DrivescopeError as `open` does, and is then what it was.
        """
        if _build_of(self.folder) == self.build:
            return
        now = type(self).open(self.folder)
        self.close()
        self.catalog, self.made_with, self.feature_id = now.catalog, now.made_with, now.feature_id
        self.build = now.build

    @property
    def on_disk(self) -> tuple[int, ...]:
        """The folder's state, told without reading it; empty while there is no library in it.

        It is another one after every commit of whichever process, and when the library was built anew.
        """
        build = _build_of(self.folder)
        try:
            manifest = (self.feature_folder(self.feature_id) / MANIFEST).stat()
        except OSError:  # built anew with another bundle, or gone
            return build if any(build) else ()
        return *build, manifest.st_ino, manifest.st_mtime_ns

    def close(self) -> None:
        """Closes the catalogue."""
        self.catalog.close()

    def features(self, spec: VectorSpec) -> FeatureStore:
        """The vectors, if `spec` made them. Raises DrivescopeError(MISMATCH) if it did not, or would not now."""
        self._check(spec)
        return FeatureStore(self.feature_folder(self.feature_id), spec).open()

    def feature_folder(self, feature_id: str) -> Path:
        """Where the vectors of one bundle lie."""
        return self.folder / _FEATURES / feature_id

    def use_features(self, feature_id: str) -> None:
        """Search with these vectors from now on. The caller holds the lock, and they are whole."""
        made_with = Manifest.read(self.feature_folder(feature_id)).made_with
        self.catalog.set_setting(_FEATURE_ID, feature_id)
        self.feature_id, self.made_with = feature_id, made_with

    def _check(self, spec: VectorSpec) -> int:
        return check_made_with(self.folder, self.made_with, spec)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held by the one process that writes. Raises DrivescopeError(BUSY) at once if another one does."""
        with _locked(self.folder):
            yield

    def thumbnail(self, clip_id: int) -> bytes:
        """The clip's strip as JPEG, or nothing if it has none."""
        return thumbs.read_strip(self.folder, clip_id)

    def selftest(self, spec: VectorSpec) -> dict[str, int]:
        """Looks for vectors that cannot be right; returns what was looked at.

        `pair` counts the bundle's self-test vectors that agree with those of the library's making (0: it has none).

        Frigate users met a text encoder that gave every picture the same vector: every search looked alike
        and nothing said why. Raises DrivescopeError(UNREADABLE) for vectors that are no numbers, not of
        length one, or all the same.
        """
        pair = self._check(spec)
        store = self.features(spec)
        rows = np.flatnonzero(store.clip_ids != -1)[:_CHECKED_ROWS]
        vectors = np.asarray(store.student[rows], np.float32)  # (N, Ds)
        problem = ""
        if not np.isfinite(vectors).all():
            problem = "are not numbers"
        elif len(rows) and np.abs(np.linalg.norm(vectors, axis=1) - 1).max() > 0.01:
            problem = "do not have length one"
        elif len(rows) > _MAY_LOOK_ALIKE and not np.ptp(vectors, axis=0).any():
            problem = "are all the same"
        if problem:
            raise DrivescopeError(
                ErrorKind.UNREADABLE,
                f"The vectors of the library {self.folder.name} {problem}: index the footage again into a new one.",
            )
        return {"clips": self.catalog.clip_count(), "rows": store.rows, "checked": len(rows), "pair": pair}


def _build_of(folder: Path) -> Build:
    """The catalogue's file itself: a library that is deleted and made again gets another one."""
    try:
        found = (folder / CATALOG).stat()
    except OSError:  # `open` says what is wrong
        return 0, 0
    return found.st_dev, found.st_ino


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    path = folder / LOCK
    lock = FileLock(path, timeout=0)
    with storage_errors(path):
        try:
            lock.acquire()
        except Timeout as error:
            raise DrivescopeError(
                ErrorKind.BUSY,
                f"Another Drivescope is adding footage to the library {folder.name}: wait until it is done, or "
                "stop it there.",
            ) from error
    try:
        yield
    finally:
        lock.release()


def _make(folder: Path, spec: VectorSpec) -> None:
    """An empty library; its catalogue appears last and at once, so that a library is there whole or not at all."""
    if (folder / CATALOG).exists():  # somebody else was first
        return
    FeatureStore.create(folder / _FEATURES / spec.feature_id, spec)
    unfinished = folder / f"{CATALOG}.partial"
    with storage_errors(folder / CATALOG):
        try:
            unfinished.unlink(missing_ok=True)
            catalog = Catalog(unfinished)
            try:
                catalog.set_setting(_FEATURE_ID, spec.feature_id)
            finally:
                catalog.close()
            unfinished.replace(folder / CATALOG)
        finally:
            for left in folder.glob(f"{unfinished.name}*"):
                left.unlink()
