"""A decoded frame as a person sees it: upright, with square pixels, RGB."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def shown_size(frame: VideoFrame, stream: VideoStream) -> tuple[int, int]:
    """Width and height of the picture as it is shown."""
    width, height = _square_size(frame, stream)
    return (height, width) if frame.rotation % 180 else (width, height)


def upright(
    frame: VideoFrame, stream: VideoStream, reformatter: VideoReformatter, max_height: int | None = None
) -> Pixels:
    """The frame as shown, (H, W, 3) uint8 RGB: turned as the recorder says, with square pixels.

    With `max_height` it is made smaller if it would be higher than that.
    """
    width, height = _square_size(frame, stream)
    turns = round(frame.rotation / 90) % 4
    if max_height is not None:
        shown_height = width if turns % 2 else height
        scale = min(1.0, max_height / shown_height)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
    resized = (width, height) != (frame.width, frame.height)
    rgb = reformatter.reformat(
        frame,
        width=width,
        height=height,
        format="rgb24",
        interpolation=Interpolation.BICUBIC if resized else None,
        threads=1,  # the default takes every core, and every core has a worker already
    ).to_ndarray()
    return np.ascontiguousarray(np.rot90(rgb, turns), np.uint8)


def _square_size(frame: VideoFrame, stream: VideoStream) -> tuple[int, int]:
    """Width and height before turning, stretched so that pixels are square; never made smaller."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if aspect <= 0:
        return frame.width, frame.height
    if aspect >= 1:
        return round(frame.width * aspect), frame.height
    return frame.width, round(frame.height / aspect)
