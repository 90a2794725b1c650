"""Frames for the player: the clip's exact span, decoded in order, each frame a JPEG with its number and time.

The engine decodes because seeking players are off by a frame and because the footage may lie on another
machine than the window.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import DrivescopeError, ErrorKind
from core.library.video import frames_of_span
from core.protocol import FrameChunk, FrameImage

if TYPE_CHECKING:
    from core.library.library import Library

CHUNK_FRAMES: Final = 8
"""Frames a message: the first picture arrives after eight frames' decoding, not after the whole clip's."""
JPEG_QUALITY: Final = 85


def clip_frames(library: Library, clip_id: int, max_height: int) -> Iterator[FrameChunk]:
    """Every frame of the clip in chunks of `CHUNK_FRAMES`, the last chunk marked; ids are 0.

    Raises DrivescopeError(NOT_FOUND) if the clip or its file is gone.
    """
    clip = library.catalog.clip(clip_id)
    path = clip.footage()
    expected = max(1, round((clip.end_s - clip.start_s) * (clip.fps or 25.0)))
    waiting: list[FrameImage] = []
    number = 0
    for time_s, rgb in frames_of_span(path, clip.start_s, clip.end_s, max_height):
        if len(waiting) == CHUNK_FRAMES:
            yield FrameChunk(id=0, clip_id=clip_id, frames=tuple(waiting), expected=max(expected, number))
            waiting = []
        waiting.append(FrameImage(number=number, time_s=time_s, jpeg=encode_jpeg(rgb)))
        number += 1
    if number == 0:
        raise DrivescopeError(
            ErrorKind.UNREADABLE, f"No frame of this clip could be decoded from {path.name}."
        )
    yield FrameChunk(id=0, clip_id=clip_id, frames=tuple(waiting), expected=number, last=True)


def encode_jpeg(rgb: npt.NDArray[np.uint8]) -> bytes:
    """A JPEG of one picture (H, W, 3) uint8 RGB."""
    done, data = cv2.imencode(".jpg", rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise DrivescopeError(ErrorKind.INTERNAL, "A frame could not be packed for the window.")
    return data.tobytes()
