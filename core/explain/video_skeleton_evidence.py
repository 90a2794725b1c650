"""What a library holds of one clip, as a video skeleton reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.errors import DrivescopeError, ErrorKind
from core.explain.video_skeleton import ClipEvidence
from core.library.clips import Span, sample_times

if TYPE_CHECKING:
    from core.library.catalog import ClipRow
    from core.library.library import Library
    from core.models.bundle import BundleSpec


def evidence_of(library: Library, spec: BundleSpec, clip: ClipRow) -> ClipEvidence:
    """The clip's vectors, made at ingest, and the times of its frames.

    Raises DrivescopeError(NOT_FOUND) for a clip without vectors and (MISMATCH) for another bundle than the library's.
    """
    store = library.features(spec)
    rows = np.flatnonzero(store.clip_ids == clip.clip_id)
    if len(rows) == 0:
        raise DrivescopeError(
            ErrorKind.NOT_FOUND,
            f"Clip {clip.clip_id} has no vectors in the library: index its footage again.",
        )
    row = int(rows[-1])
    return ClipEvidence(
        clip_id=clip.clip_id,
        start_s=clip.start_s,
        end_s=clip.end_s,
        times_s=tuple(sample_times(Span(clip.start_s, clip.end_s), spec.frames)),
        student=np.asarray(store.student[row], np.float32),
        frames=np.asarray(store.frames[row], np.float32),
        video=np.asarray(store.video[row], np.float32),
    )
