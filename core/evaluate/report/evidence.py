"""What a report shows of a clip for a query: the frames that answer most, where in them, and which words counted.

Rankings are the run's, explanations always those of the library's own model, also where another system ranked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import DrivescopeError
from core.explain.command import clip_anatomy
from core.explain.heatmap import ClipSight
from core.explain.overlay import overlay
from core.explain.targets import Target, whole_query
from core.explain.words import Anatomy
from core.library import thumbs
from core.library.clips import Span, sample_times
from core.library.video import frames_at
from core.protocol import THUMBNAIL_TILES

if TYPE_CHECKING:
    from core.library.catalog import ClipRow
    from core.library.library import Library
    from core.models.bundle import ModelBundle

SHOWN: Final = 3
"""Frames of each clip."""
_QUALITY: Final = 82

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Frame:
    """One frame as JPEG, 288 x 162; `heat` is the same with its map laid over it, None where there is no map.

    `reliable` says whether the map passed its faithfulness test.
    """

    time_s: float
    picture: bytes
    heat: bytes | None = None
    reliable: bool = True


@dataclass(frozen=True)
class Evidence:
    """A clip for a query. Without vectors there is no `anatomy`; `lacks` says in words what could not be shown."""

    clip_id: int
    video: str
    start_s: float
    end_s: float
    frames: tuple[Frame, ...]
    anatomy: Anatomy | None
    lacks: str = ""


class Witness:
    """Gives the evidence for one query after the other."""

    def __init__(self, library: Library, bundle: ModelBundle) -> None:
        self._library = library
        self._bundle = bundle

    def of(self, query: str, clip_id: int) -> Evidence:
        """The evidence of a clip. Never fails for a clip or video that is gone: `lacks` says so."""
        try:
            clip = self._library.catalog.clip(clip_id)
            anatomy = clip_anatomy(self._library, self._bundle, query, clip_id)
        except DrivescopeError as error:
            return Evidence(clip_id, "", 0.0, 0.0, (), None, error.sentence)
        times = sample_times(Span(clip.start_s, clip.end_s), self._bundle.spec.frames)
        best = sorted(np.argsort(-anatomy.by_frame, kind="stable")[:SHOWN].tolist())
        lacks = ""
        try:
            frames = self._mapped(Path(clip.path), [times[n] for n in best], whole_query(self._bundle, query))
        except DrivescopeError as error:
            frames, lacks = self._from_strip(clip), error.sentence
        name = Path(clip.path).name
        return Evidence(clip_id, name, clip.start_s, clip.end_s, frames, anatomy, lacks)

    def _mapped(self, path: Path, times: list[float], target: Target) -> tuple[Frame, ...]:
        """Frames decoded again, with their maps. Raises DrivescopeError where that is impossible."""
        samples = list(frames_at(path, times))
        sight = ClipSight.look(self._bundle, [rgb for _, rgb in samples])
        maps = sight.maps(target)
        return tuple(
            Frame(
                time_s,
                _jpeg(thumbs.tile(rgb)),
                _jpeg(thumbs.tile(overlay(rgb, one.on_frame(*rgb.shape[:2]), reliable=faith.reliable))),
                faith.reliable,
            )
            for (time_s, rgb), one, faith in zip(samples, maps, sight.faithfulness(target, maps), strict=True)
        )

    def _from_strip(self, clip: ClipRow) -> tuple[Frame, ...]:
        """Tiles of the clip's stored strip, for footage that cannot be decoded now."""
        data = np.frombuffer(thumbs.read_strip(self._library.folder, clip.clip_id), np.uint8)
        strip = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if len(data) else None
        if strip is None:
            return ()
        tiles = [round((n + 0.5) * THUMBNAIL_TILES / SHOWN - 0.5) for n in range(SHOWN)]
        length, width = clip.end_s - clip.start_s, strip.shape[1] // THUMBNAIL_TILES
        return tuple(
            Frame(
                clip.start_s + length * (n + 0.5) / THUMBNAIL_TILES,
                _jpeg(np.asarray(strip[:, n * width : (n + 1) * width], np.uint8)),
            )
            for n in tiles
        )


def _jpeg(rgb: Pixels) -> bytes:
    _, data = cv2.imencode(
        ".jpg", np.ascontiguousarray(rgb[:, :, ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    return data.tobytes()
