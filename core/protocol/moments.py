"""Messages about time inside a video: key images of a clip, and where in its video a query is answered."""

from __future__ import annotations

from typing import Literal

import msgspec

from core.protocol.basics import Message

MomentScope = Literal["state", "happening", "story"]


# --- window -> engine ---------------------------------------------------------------------------------


class GetKeyframes(Message, frozen=True):
    """Answers `Keyframes`."""

    id: int
    clip_id: int


class GetMoments(Message, frozen=True):
    """Where in the whole video of a clip the query is answered. Answers `Moments`."""

    id: int
    text: str
    clip_id: int


class ScoreSpan(Message, frozen=True):
    """What a span of a clip's video, chosen by a person, is worth as a moment. Answers `SpanScored`."""

    id: int
    text: str
    clip_id: int
    start_s: float
    end_s: float


# --- engine -> window ---------------------------------------------------------------------------------


class KeyframeInfo(msgspec.Struct, frozen=True):
    """A key image and the stretch [start_s, end_s) that it stands for.

    `frame` is its number among the clip's sampled frames; `change` is 1 - cos at the stretch's start, 0 for the first.
    """

    frame: int
    time_s: float
    start_s: float
    end_s: float
    change: float


class Keyframes(Message, frozen=True):
    """A clip's key images in order of time, at most eight."""

    id: int
    clip_id: int
    keyframes: tuple[KeyframeInfo, ...]


class MomentInfo(msgspec.Struct, frozen=True):
    """A span of the video that answers the query.

    `score` orders moments of one video and one query; `salience` is the curve's mean inside, in standard deviations
    above the video's; `peak_s` is where it is highest; `clip_id` the clip that shows the peak.
    """

    start_s: float
    end_s: float
    score: float
    salience: float
    peak_s: float
    clip_id: int


class ClipSpan(msgspec.Struct, frozen=True):
    """A clip of the video and its first-stage cosine with the query."""

    clip_id: int
    start_s: float
    end_s: float
    score: float


class Moments(Message, frozen=True):
    """Answer to `GetMoments`.

    `starts_s`, `ends_s`, `curve` and `cosines` have one entry a sampled frame of the video: the stretch that it
    stands for, the salience there (standard deviations above the video's mean) and the cosine behind it. `bounds_s`
    are the boundaries of events, whatever is asked, with the video's two ends; `moments` are best first.
    """

    id: int
    query: str
    video_id: int
    clip_id: int
    duration_s: float
    scope: MomentScope
    starts_s: tuple[float, ...]
    ends_s: tuple[float, ...]
    curve: tuple[float, ...]
    cosines: tuple[float, ...]
    bounds_s: tuple[float, ...]
    moments: tuple[MomentInfo, ...]
    clips: tuple[ClipSpan, ...]


class SpanScored(Message, frozen=True):
    """Answer to `ScoreSpan`: the span as whole sampled frames, and the share (0..1) of proposals it beats or meets."""

    id: int
    moment: MomentInfo
    share: float


Requests = GetKeyframes | GetMoments | ScoreSpan
Replies = Keyframes | Moments | SpanScored
