"""From similarities to probabilities: what `python -m core.explain.skeleton_tune` learned about one bundle.

Cosines of different bundles, and of different phrases in one bundle, do not mean the same. A calibration holds for
every value the mean and spread of its five measures over clips, weights of the measures, and an offset, so that a
logistic (for slots whose values exclude each other a softmax with "none of these") gives probabilities; and for every
slot the probability from which a value counts as true. It belongs to one bundle's fingerprint; without one the
zero-shot softmax of CLIP answers, and the skeleton says that its figures are not calibrated.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.errors import DrivescopeError, ErrorKind
from core.files import write_text
from core.paths import resources

if TYPE_CHECKING:
    from core.models.bundle import BundleSpec

F64 = NDArray[np.float64]

MEASURES: Final = ("student", "video", "best frame", "best quarter", "all frames")
LOGIT_SCALE: Final = 100.0
"""CLIP's own scale of cosines, for bundles that nobody calibrated."""


class ValueFit(msgspec.Struct, frozen=True):
    """One value: `mean` and `spread` of its measures, `weights` of the standardised measures, and `offset`."""

    mean: tuple[float, ...]
    spread: tuple[float, ...]
    weights: tuple[float, ...]
    offset: float

    def logit(self, measures: F64) -> F64:
        """Log-odds (or, in an exclusive slot, the score against "none") of measures (..., 5)."""
        standard = (measures - np.asarray(self.mean)) / np.asarray(self.spread)
        return np.asarray(standard @ np.asarray(self.weights) + self.offset)


class SlotFit(msgspec.Struct, frozen=True):
    """One slot: from which probability a value holds, and how its interval is cut from the frames' curve.

    `level` is the share of the way from a curve's lowest to its highest frame above which a value holds; a curve that
    rises by less than `flat` has no edges: the value holds for the whole clip.
    """

    threshold: float = 0.5
    level: float = 0.5
    flat: float = 0.0


class Calibration(msgspec.Struct, frozen=True):
    """All of one bundle. `values` are keyed "slot:value"; values that are not there are not asked."""

    bundle: str
    fingerprint: str
    made_from: str
    clips: int
    slots: dict[str, SlotFit] = {}
    values: dict[str, ValueFit] = {}

    def keys(self) -> tuple[tuple[str, str], ...]:
        """The (slot, value) pairs that can be asked."""
        return tuple((key.partition(":")[0], key.partition(":")[2]) for key in self.values)


def folder() -> Path:
    """Where the shipped calibrations lie."""
    return resources() / "calibration"


def calibration_of(spec: BundleSpec, where: Path | None = None) -> Calibration | None:
    """The calibration of a bundle, or None if it has none (or one of other weights).

    Raises DrivescopeError(UNREADABLE) for a damaged file.
    """
    path = (where or folder()) / f"{_slug(spec.name)}.json"
    if not path.is_file():
        return None
    found = _read(path, path.stat().st_mtime_ns)
    return found if found.fingerprint == spec.fingerprint else None


def save(calibration: Calibration, where: Path | None = None) -> Path:
    """Writes a calibration where `calibration_of` looks; returns the file."""
    path = (where or folder()) / f"{_slug(calibration.bundle)}.json"
    write_text(path, msgspec.json.format(msgspec.json.encode(calibration), indent=1).decode() + "\n")
    return path


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int) -> Calibration:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Calibration)
    except (OSError, msgspec.DecodeError) as error:
        raise DrivescopeError(
            ErrorKind.UNREADABLE,
            f"The calibration {path} is damaged: make it again with `python -m core.explain.skeleton_tune`.",
            detail=str(error),
        ) from error


def _slug(name: str) -> str:
    return (
        "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in Path(name).name)
        or "bundle"
    )


def measures(student: F64, video: F64, frames: F64) -> F64:
    """The five measures of V values in C clips, (C, V, 5).

    Args:
        student: (C, V) similarity of the student vector.
        video: (C, V) similarity of the reranker's video vector.
        frames: (C, V, F) similarity of every frame.

    """
    ordered = np.sort(frames, axis=-1)
    quarter = max(1, frames.shape[-1] // 4)
    return np.stack(
        [student, video, ordered[..., -1], ordered[..., -quarter:].mean(axis=-1), frames.mean(axis=-1)],
        axis=-1,
    )
