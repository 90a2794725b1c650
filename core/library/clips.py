"""How a video is cut into clips, and when in a clip its frames are sampled. Pure arithmetic, no files.

A clip is a span [start_s, end_s) of a video in seconds from its first shown frame: the unit of retrieval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

DEFAULT_CLIP_SECONDS: Final = 8.0
SHORTEST_REST_S: Final = 1.0
"""A rest at the end of a video that is shorter than this joins the clip before it."""
SHORTEST_CLIP_S: Final = 1.0
"""Below it the twelve frames that a clip is seen by are one picture twelve times."""
SHORTEST_STRIDE_S: Final = 0.1
LONGEST_S: Final = 3600.0
"""Longest clip, and longest stride, that a person may ask for."""
_NEGLIGIBLE_S: Final = 1e-6
"""Below any frame's duration: what is left of a division of floats, not of a video."""


@dataclass(frozen=True)
class Span:
    """A half-open interval of a video, seconds from its first shown frame."""

    start_s: float
    end_s: float

    @property
    def seconds(self) -> float:
        """Length of the span."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Keyframe:
    """A key image of a clip and the stretch [start_s, end_s) that it stands for, in seconds of the video.

    `frame` is its number among the clip's sampled frames; `change` is 1 - cos between the stretch's first frame and
    the one before it, 0 for the first stretch.
    """

    frame: int
    time_s: float
    start_s: float
    end_s: float
    change: float


def cut(duration_s: float, clip_seconds: float = DEFAULT_CLIP_SECONDS, stride_s: float = 0.0) -> list[Span]:
    """Spans of `clip_seconds` that start every `stride_s` (0: back to back), all inside [0, duration_s).

    What is left after the last whole clip becomes a clip of its own if it lasts a second or more;
    otherwise the clip before it is made longer. With a stride larger than a clip the gaps stay out, and so
    does a rest shorter than a second. A video shorter than one clip is one clip; one without length is none.
    Raises ValueError for lengths that are not positive numbers.
    """
    if not (clip_seconds > 0 and math.isfinite(clip_seconds)):
        raise ValueError(f"a clip must last longer than 0 s, not {clip_seconds}")
    if not (stride_s >= 0 and math.isfinite(stride_s)):
        raise ValueError(f"the stride must be 0 s or more, not {stride_s}")
    if duration_s <= 0:
        return []
    stride_s = stride_s or clip_seconds
    whole = math.floor((duration_s - clip_seconds + _NEGLIGIBLE_S) / stride_s) + 1
    if whole < 1:
        return [Span(0.0, duration_s)]
    spans = [
        Span(number * stride_s, min(number * stride_s + clip_seconds, duration_s)) for number in range(whole)
    ]
    return _with_rest(spans, duration_s, stride_s)


def _with_rest(spans: list[Span], duration_s: float, stride_s: float) -> list[Span]:
    """Adds what lies after the last whole clip."""
    last = spans[-1]
    start_s = len(spans) * stride_s
    rest_s = duration_s - max(last.end_s, start_s)
    if rest_s >= SHORTEST_REST_S:
        return [*spans, Span(start_s, duration_s)]
    if start_s <= last.end_s + _NEGLIGIBLE_S:
        return [*spans[:-1], Span(last.start_s, duration_s)]
    return spans


def sample_times(span: Span, frames: int) -> list[float]:
    """The middles of `frames` equal parts of the span, ascending, in seconds of the video."""
    if frames < 1:
        raise ValueError(f"a clip needs at least one frame, not {frames}")
    part_s = span.seconds / frames
    return [span.start_s + (number + 0.5) * part_s for number in range(frames)]
