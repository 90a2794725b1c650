"""The feature store: the vectors of every indexed clip, in append-only float16 files read by memory map.

One folder per bundle holds `student.f16` (N, Ds), `frames.f16` (N, F, Dr), `video.f16` (N, Dr), `weights.f16`
(N, F) and `clip_ids.i64` (N,), row n of each being the same clip, and `manifest.json`, which says what made
the vectors and how many rows are committed. The manifest is written last and in one step: after a crash,
whatever lies beyond its row count is overwritten by the next append and never read. Forgotten clips stay as
rows whose id is -1.

One process appends (it holds the library's lock); any number of readers call `refresh` to see new rows.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import DrivescopeError, ErrorKind
from core.library.encoder import ClipVectors, VectorSpec
from core.library.storage import storage_errors, write_bytes

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
FORGOTTEN: Final = -1
SELFTEST: Final = "selftest_pair"
SAME: Final = 1e-3
"""Largest distance between unit vectors that the same float32 weights give on two machines."""


@dataclass(frozen=True)
class MadeWith:
    """What made a library's vectors: enough to load the same bundle again and to name it in a sentence."""

    bundle: str
    crop: str
    frames: int
    fingerprint: str
    facts: dict[str, Any]
    """Everything the bundle said of itself: weights' hashes, preprocessing, label, self-test vectors."""

    @classmethod
    def of(cls, spec: VectorSpec) -> Self:
        """The facts of a loaded bundle."""
        facts: dict[str, Any] = dataclasses.asdict(spec) if dataclasses.is_dataclass(spec) else {}
        facts = json.loads(json.dumps(facts, default=str))
        return cls(spec.name, spec.crop, spec.frames, spec.fingerprint, facts)

    @property
    def reference(self) -> str:
        """The name that loads this bundle again, e.g. the path of a bundle folder."""
        return str(self.facts.get("reference") or self.bundle)

    @property
    def selftest(self) -> dict[str, list[float]]:
        """What the bundle made of a known picture and sentence, by name; empty in older libraries."""
        stored: dict[str, list[float]] = self.facts.get(SELFTEST) or {}
        return stored

    def as_dict(self) -> dict[str, Any]:
        """For `--json`, without the self-test's hundreds of numbers."""
        facts = {name: value for name, value in self.facts.items() if name != SELFTEST}
        return {**dataclasses.asdict(self), "facts": facts}

    def __str__(self) -> str:
        return f"{self.bundle} (crop {self.crop}, {self.frames} frames a clip, {self.fingerprint[:8]})"


@dataclass(frozen=True)
class Manifest:
    """What `manifest.json` holds. `generation` grows with every commit."""

    made_with: MadeWith
    student_dim: int
    reranker_dim: int
    rows: int = 0
    generation: int = 0

    def write(self, folder: Path) -> None:
        """Commits. Raises OSError."""
        data = {"format": FORMAT, **dataclasses.asdict(self)}
        write_bytes(folder / MANIFEST, json.dumps(data, indent=1, sort_keys=True).encode())

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises DrivescopeError(UNREADABLE) if the file is damaged or not there."""
        path = folder / MANIFEST
        try:
            data = json.loads(path.read_bytes())
            if data.pop("format") != FORMAT:
                raise DrivescopeError(
                    ErrorKind.VERSION, f"{path} was made by a newer Drivescope: update this one to open it."
                )
            return cls(made_with=MadeWith(**data.pop("made_with")), **data)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DrivescopeError(
                ErrorKind.UNREADABLE,
                f"{path} is damaged or missing: delete the library folder and index the footage again.",
                detail=f"{type(error).__name__}: {error}",
            ) from error


class FeatureStore:
    """The vectors of one library, made by one bundle.

    `open` (or the first `refresh`) maps what is committed. The arrays hold float16, `clip_ids` int64, all with
    `rows` rows; a row whose clip was forgotten has the id -1. Arrays taken before a `refresh` stay valid.

    Raises DrivescopeError(UNREADABLE) for files that are shorter than the manifest says.
    """

    student: NDArray[np.float16]  # (rows, Ds)
    frames: NDArray[np.float16]  # (rows, F, Dr)
    video: NDArray[np.float16]  # (rows, Dr)
    frame_weights: NDArray[np.float16]  # (rows, F)
    clip_ids: NDArray[np.int64]  # (rows,)

    def __init__(self, folder: Path, spec: VectorSpec) -> None:
        self.folder = folder
        self.spec = spec
        F, Ds, Dr = spec.frames, spec.student_dim, spec.reranker_dim
        self._files: dict[str, tuple[str, np.dtype[Any], tuple[int, ...]]] = {
            "student": ("student.f16", np.dtype("<f2"), (Ds,)),
            "frames": ("frames.f16", np.dtype("<f2"), (F, Dr)),
            "video": ("video.f16", np.dtype("<f2"), (Dr,)),
            "frame_weights": ("weights.f16", np.dtype("<f2"), (F,)),
            "clip_ids": ("clip_ids.i64", np.dtype("<i8"), ()),
        }
        self._manifest: Manifest | None = None

    @classmethod
    def create(cls, folder: Path, spec: VectorSpec) -> Self:
        """An empty store for the vectors of `spec`."""
        with storage_errors(folder / MANIFEST):
            folder.mkdir(parents=True, exist_ok=True)
            Manifest(MadeWith.of(spec), spec.student_dim, spec.reranker_dim).write(folder)
        return cls(folder, spec).open()

    def open(self) -> Self:
        """Maps what is committed."""
        self.refresh()
        return self

    @property
    def rows(self) -> int:
        """Committed rows, forgotten ones included, as of the last `refresh` or `append`."""
        return 0 if self._manifest is None else self._manifest.rows

    def refresh(self) -> int:
        """Sees what was committed since. Returns the generation, which changes with every commit."""
        manifest = Manifest.read(self.folder)
        if self._manifest is None or manifest.generation != self._manifest.generation:
            self._map(manifest)
        return manifest.generation

    def _map(self, manifest: Manifest) -> None:
        spec = self.spec
        check_made_with(self.folder.parent.parent, manifest.made_with, spec)
        for name, (file, dtype, shape) in self._files.items():
            setattr(self, name, _mapped(self.folder / file, dtype, (manifest.rows, *shape)))
        self._manifest = manifest

    def append(self, vectors: ClipVectors, clip_ids: Sequence[int]) -> None:
        """Adds the vectors of B clips and commits them. The caller holds the library's lock.

        Raises DrivescopeError(DISK_FULL) and leaves what was committed before as it was.
        """
        manifest = self._current()
        if len(clip_ids) == 0:
            return
        arrays = {
            "student": vectors.student.numpy(),
            "frames": vectors.frames.numpy(),
            "video": vectors.video.numpy(),
            "frame_weights": vectors.frame_weights.numpy(),
            "clip_ids": np.asarray(clip_ids),
        }
        with storage_errors(self.folder / MANIFEST):
            for name, (file, dtype, shape) in self._files.items():
                rows = np.ascontiguousarray(arrays[name], dtype)
                if rows.shape != (len(clip_ids), *shape):
                    raise ValueError(f"{name}: {rows.shape} instead of {(len(clip_ids), *shape)}")
                _write_rows(self.folder / file, manifest.rows * rows[0].nbytes, rows.tobytes())
            self._commit(dataclasses.replace(manifest, rows=manifest.rows + len(clip_ids)))

    def forget(self, clip_ids: Collection[int]) -> int:
        """Marks the rows of these clips as forgotten; returns how many there were. The caller holds the lock."""
        manifest = self._current()
        rows = np.flatnonzero(np.isin(self.clip_ids, np.fromiter(clip_ids, np.int64, len(clip_ids))))
        if len(rows) == 0:
            return 0
        file, dtype, _ = self._files["clip_ids"]
        mark = np.array(FORGOTTEN, dtype).tobytes()
        with storage_errors(self.folder / MANIFEST):
            with (self.folder / file).open("r+b") as ids:
                for row in rows.tolist():
                    ids.seek(row * dtype.itemsize)
                    ids.write(mark)
                _to_disk(ids)
            self._commit(manifest)
        return len(rows)

    def live_ids(self) -> NDArray[np.int64]:
        """Ids of the clips that can be found, in order of rows."""
        return np.asarray(self.clip_ids[self.clip_ids != FORGOTTEN])

    def _current(self) -> Manifest:
        self.refresh()
        assert self._manifest is not None
        return self._manifest

    def _commit(self, manifest: Manifest) -> None:
        dataclasses.replace(manifest, generation=manifest.generation + 1).write(self.folder)
        self.refresh()


def check_made_with(library: Path, made_with: MadeWith, spec: VectorSpec) -> int:
    """Holds a bundle against what made a library; returns how many self-test vectors were compared.

    None are where either side has none: libraries of earlier versions open as before.

    Raises DrivescopeError(MISMATCH) for another bundle, crop or sampling, and for the same one if it no longer
    gives the vectors that it gave when the library was made.
    """
    if made_with.fingerprint != spec.fingerprint:
        raise mismatch(library, made_with, spec)
    now: Mapping[str, Sequence[float]] = getattr(spec, SELFTEST, None) or {}
    then = made_with.selftest
    if not now or not then:
        return 0
    for name in sorted({*now, *then}):
        apart = _distance(now.get(name, ()), then.get(name, ()))
        if not apart <= SAME:
            what = "picture" if name.startswith("image") else "sentence"
            raise DrivescopeError(
                ErrorKind.MISMATCH,
                f"The bundle {made_with.bundle} no longer gives the vectors that it gave when the library "
                f"{library.name} was made (the {what} of the self-test is {apart:.4f} away, {SAME:g} is arithmetic): "
                "weights, activation or preprocessing have changed. Go back to the program or bundle that made the "
                "library, or index the footage again into a new one.",
                detail=name,
            )
    return len(then)


def _distance(a: Sequence[float], b: Sequence[float]) -> float:
    """Euclidean; infinite for vectors of different lengths."""
    if len(a) != len(b):
        return float("inf")
    return float(np.linalg.norm(np.asarray(a, np.float64) - np.asarray(b, np.float64)))


def mismatch(library: Path, made_with: MadeWith, spec: VectorSpec) -> DrivescopeError:
    """The refusal to mix vectors of two bundles, with the way out."""
    given = MadeWith.of(spec)
    return DrivescopeError(
        ErrorKind.MISMATCH,
        f"The library {library.name} was indexed with {made_with}, and vectors of {given} cannot be compared with "
        f"its own: search it with {made_with.bundle} and crop {made_with.crop}, index the footage again into a "
        f"new library, or, if {given.bundle} was distilled on these vectors, let the library go over to it with "
        "drivescope switch.",
        detail=f"{made_with.fingerprint} != {spec.fingerprint}",
    )


def _mapped(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    if shape[0] == 0:
        return np.empty(shape, dtype)
    try:
        return np.memmap(path, dtype, mode="r", shape=shape)
    except (OSError, ValueError) as error:
        raise DrivescopeError(
            ErrorKind.UNREADABLE,
            f"{path} is shorter than its library says, or missing: delete the library folder and index again.",
            detail=str(error),
        ) from error


def _write_rows(path: Path, offset: int, data: bytes) -> None:
    """Writes at `offset`, cutting off whatever an interrupted run left there."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(offset)
        file.seek(offset)
        file.write(data)
        _to_disk(file)


def _to_disk(file: Any) -> None:  # noqa: ANN401 - any file object
    file.flush()
    os.fsync(file.fileno())
