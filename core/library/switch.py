"""A library goes over to another bundle on the same towers, without looking at its footage again.

The frame vectors are the towers' and stay what they are; the student's and the reranker's heads are run over them
anew, which takes seconds where indexing takes hours. The vectors of the bundle before stay beside the new ones, so
that going back costs nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from core.errors import DrivescopeError, ErrorKind
from core.library.features import FORGOTTEN, SAME, FeatureStore, MadeWith, Manifest

if TYPE_CHECKING:
    from core.library.library import Library
    from core.models.bundle import ModelBundle

CHUNK: Final = 256


@dataclass(frozen=True)
class _Before:
    """The bundle before, as much as its manifest tells."""

    name: str
    crop: str
    frames: int
    student_dim: int
    reranker_dim: int
    fingerprint: str
    feature_id: str


def switch(
    library: Library, bundle: ModelBundle, progress: Callable[[int, int], None] = lambda done, total: None
) -> int:
    """Makes `bundle` the one that this library is searched with; returns how many clips got new vectors.

    Open the library again afterwards. Raises DrivescopeError(MISMATCH) if the bundle has other towers, crop or
    sampling, or heads that need more than the stored unit vectors: then the footage must be indexed again.
    """
    spec = bundle.spec
    if spec.fingerprint == library.made_with.fingerprint:
        return 0
    with library.lock():
        old = _store_of(library)
        folder = library.feature_folder(spec.feature_id)
        if _is_whole(folder, bundle, old):
            library.use_features(spec.feature_id)
            return 0
        _check_same_towers(library, bundle)
        if folder.exists():
            shutil.rmtree(folder)  # a switch that was cut off, or vectors from before more was indexed
        store = FeatureStore.create(folder, spec)
        rows = np.flatnonzero(old.clip_ids != FORGOTTEN)
        for at in range(0, len(rows), CHUNK):
            part = rows[at : at + CHUNK]
            frames = torch.from_numpy(np.asarray(old.frames[part], np.float32))  # (B, F, D)
            store.append(bundle.pool((frames,)), old.clip_ids[part].tolist())
            progress(min(at + CHUNK, len(rows)), len(rows))
        library.use_features(spec.feature_id)
    return len(rows)


def _store_of(library: Library) -> FeatureStore:
    folder = library.feature_folder(library.feature_id)
    manifest = Manifest.read(folder)
    made = manifest.made_with
    before = _Before(
        made.bundle,
        made.crop,
        made.frames,
        manifest.student_dim,
        manifest.reranker_dim,
        made.fingerprint,
        library.feature_id,
    )
    return FeatureStore(folder, before).open()


def _is_whole(folder: Path, bundle: ModelBundle, old: FeatureStore) -> bool:
    """Whether vectors of this bundle are there already, for the very clips that the library has now."""
    if not folder.is_dir():
        return False
    try:
        store = FeatureStore(folder, bundle.spec).open()
    except DrivescopeError:
        return False
    return set(store.live_ids().tolist()) == set(old.live_ids().tolist())


def _check_same_towers(library: Library, bundle: ModelBundle) -> None:
    """Refuses what would give other vectors than indexing would."""
    made, spec = library.made_with, bundle.spec
    reasons = {
        f"its crop is {spec.crop} instead of {made.crop}": spec.crop != made.crop,
        f"it looks at {spec.frames} frames a clip instead of {made.frames}": spec.frames != made.frames,
        "it has two towers": len(bundle.towers) != 1,
        "its heads were not trained on stored vectors": not all(
            heads.header == "meanP" or heads.frame_length > 0 for heads in (bundle.student, bundle.reranker)
        ),
        "its towers are others, or the library does not tell which ones made it": not _same_pair(
            made, bundle
        ),
    }
    for reason, holds in reasons.items():
        if holds:
            raise DrivescopeError(
                ErrorKind.MISMATCH,
                f"The library {library.folder.name} cannot go over to {spec.name} without its footage: {reason}. Index "
                "the footage again into a new library.",
            )


def _same_pair(made: MadeWith, bundle: ModelBundle) -> bool:
    """The reranker's towers, whose frame vectors are stored, see the self-test's pair alike."""
    last = max((name[-1] for name in made.selftest if name.startswith("image")), default="")
    for half in ("image", "text"):
        then, now = made.selftest.get(half + last), bundle.spec.selftest_pair.get(f"{half}0")
        if not then or not now or len(then) != len(now):
            return False
        if not float(np.linalg.norm(np.subtract(then, now))) <= SAME:
            return False
    return True
