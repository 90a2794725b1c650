"""What the library needs to know of a model bundle, and nothing more: the room imports no model.

`core.models.bundle.ModelBundle` fits `FrameEncoder` by its shape; so does the small one in the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # reading a library needs no torch, and importing it takes seconds
    from torch import Tensor

    Prepared = tuple[Tensor, ...]
    """One uint8 (V, 3, h, w) view stack for each distinct image tower."""


class VectorSpec(Protocol):
    """What decides the vectors of a library. Two specs with one fingerprint make equal vectors.

    A spec may also have `selftest_pair`, the vectors of a known picture and sentence by name: the proof of it.
    """

    @property
    def name(self) -> str:
        """The bundle's short name, e.g. drive-tiny."""

    @property
    def crop(self) -> str:
        """How a picture is brought to the model's shape."""

    @property
    def frames(self) -> int:
        """Frames sampled from a clip (F)."""

    @property
    def student_dim(self) -> int:
        """Length of a first-stage vector (Ds)."""

    @property
    def reranker_dim(self) -> int:
        """Length of a frame or video vector of the reranker (Dr)."""

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 over everything that changes a vector."""

    @property
    def feature_id(self) -> str:
        """Name of the feature folder."""


class ClipVectors(Protocol):
    """Vectors of B clips: student (B, Ds), frames (B, F, Dr), video (B, Dr), frame_weights (B, F); float32."""

    student: Tensor
    frames: Tensor
    video: Tensor
    frame_weights: Tensor


class FrameEncoder(Protocol):
    """A model bundle as ingest sees it. Every method may be called from several threads at once."""

    @property
    def spec(self) -> VectorSpec:
        """What decides the vectors."""

    def prepare(self, rgb: NDArray[np.uint8]) -> Prepared:
        """One frame, (H, W, 3) uint8 RGB, to the towers' input."""

    def encode_frames(self, prepared: Sequence[Prepared]) -> tuple[Tensor, ...]:
        """N prepared frames to one (N, D) float32 tensor a tower."""

    def pool(self, frames: tuple[Tensor, ...]) -> ClipVectors:
        """One (B, F, D) tensor a tower to the vectors of B clips."""
