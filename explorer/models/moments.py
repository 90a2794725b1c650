"""Where in the selected clip's video the query is answered, and the clip's key images: asked once and kept."""

from __future__ import annotations

import bisect
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from core.protocol import (
    Failed,
    GetKeyframes,
    GetMoments,
    Hit,
    KeyframeInfo,
    Keyframes,
    Moments,
    ScoreSpan,
    SpanScored,
)
from explorer.engine_client import EngineClient, Request

SETTLE_MS: Final = 80
"""A key held down in the results asks only for the clip where it stops."""


class VideoMoments(QObject):
    """The answer in time for one query and one video; clips of the same video share it.

    Signals:
        changed(): `found`, `busy` or `sentence` is another.
        span_changed(): `span` or `scored` is another.
    """

    changed = Signal()
    span_changed = Signal()

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.query = ""
        self.hit: Hit | None = None
        self.found: Moments | None = None
        self.sentence = ""  # why nothing was found out
        self.span: tuple[float, float] | None = None  # what the person dragged
        self.scored: SpanScored | None = None
        self._client = client
        self._request: Request | None = None
        self._scoring: Request | None = None
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self._ask)

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return self._request is not None or self._settle.isActive()

    def take_up(self, query: str, hit: Hit | None) -> None:
        """The subject is another query or clip; what holds for it too stays."""
        same = hit is not None and self.found is not None and self.found.query == query
        same = same and hit is not None and self.found is not None and self.found.video_id == hit.video_id
        self.query, self.hit = query, hit
        if same:
            self.changed.emit()
            return
        self.drop()
        self.found, self.sentence = None, ""
        self.clear_span()
        if hit is not None and query:
            self._settle.start()
        self.changed.emit()

    def again(self) -> None:
        """Ask once more: a new engine came up, or the library changed."""
        self.found = None
        self.take_up(self.query, self.hit)

    def drop(self) -> None:
        """Cancel what is on its way."""
        self._settle.stop()
        for request in (self._request, self._scoring):
            if request is not None:
                request.cancel()
        self._request = self._scoring = None

    def score(self, start_s: float, end_s: float) -> None:
        """What a span of the video is worth."""
        hit, query = self.hit, self.query
        if hit is None or self.found is None:
            return
        if self._scoring is not None:
            self._scoring.cancel()
        self.span, self.scored = (start_s, end_s), None
        request = self._scoring = self._client.send(
            lambda number: ScoreSpan(number, query, hit.clip_id, start_s, end_s)
        )
        request.answered.connect(self._on_scored)
        request.failed.connect(self._on_failed)
        request.finished.connect(lambda: self._scored(request))
        self.span_changed.emit()

    def clear_span(self) -> None:
        """No span is chosen."""
        self.span = self.scored = None
        self.span_changed.emit()

    def clip_at(self, time_s: float) -> int:
        """The clip that shows a time of the video, the one at hand if it does; -1 if none does."""
        hit, found = self.hit, self.found
        if hit is not None and hit.start_s <= time_s < hit.end_s:
            return hit.clip_id
        there = (
            [clip for clip in found.clips if clip.start_s <= time_s < clip.end_s] if found is not None else []
        )
        return (
            min(there, key=lambda clip: abs(clip.start_s + clip.end_s - 2 * time_s)).clip_id if there else -1
        )

    def frame_at(self, time_s: float) -> int:
        """The sampled frame that stands for a time, or the one before it; -1 without an answer."""
        if self.found is None or not self.found.starts_s:
            return -1
        return max(0, bisect.bisect_right(self.found.starts_s, time_s) - 1)

    def _ask(self) -> None:
        hit, query = self.hit, self.query
        if hit is None:
            return
        request = self._request = self._client.send(lambda number: GetMoments(number, query, hit.clip_id))
        request.answered.connect(self._on_found)
        request.failed.connect(self._on_failed)
        request.finished.connect(lambda: self._over(request))
        self.changed.emit()

    def _on_found(self, found: Moments) -> None:
        self.found = found

    def _on_scored(self, scored: SpanScored) -> None:
        self.scored = scored
        self.span_changed.emit()

    def _on_failed(self, failure: Failed) -> None:
        self.sentence = failure.sentence
        self.changed.emit()

    def _over(self, request: Request) -> None:
        if self._request is request:
            self._request = None
            self.changed.emit()

    def _scored(self, request: Request) -> None:
        if self._scoring is request:
            self._scoring = None


class ClipKeyframes(QObject):
    """The key images of one clip.

    Signals:
        changed(): `keyframes` is another.
    """

    changed = Signal()

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.keyframes: tuple[KeyframeInfo, ...] = ()
        self._client = client
        self._clip_id = -1
        self._request: Request | None = None

    def take_up(self, hit: Hit | None) -> None:
        """Ask for another clip's key images."""
        clip_id = hit.clip_id if hit is not None else -1
        if clip_id == self._clip_id:
            return
        self._clip_id = clip_id
        if self._request is not None:
            self._request.cancel()
            self._request = None
        self.keyframes = ()
        self.changed.emit()
        if hit is not None:
            request = self._request = self._client.send(lambda number: GetKeyframes(number, clip_id))
            request.answered.connect(self._on_answer)
            request.finished.connect(lambda: self._over(request))

    def near(self, time_s: float, reach_s: float) -> KeyframeInfo | None:
        """The key image nearest to a time, if it is no further than `reach_s`."""
        nearest = min(self.keyframes, key=lambda one: abs(one.time_s - time_s), default=None)
        return nearest if nearest is not None and abs(nearest.time_s - time_s) <= reach_s else None

    def beside(self, time_s: float, step: int) -> KeyframeInfo | None:
        """The next key image after a time (`step` 1) or before it (-1), around the clip's ends."""
        times = [one.time_s for one in self.keyframes]
        if not times:
            return None
        place = (
            bisect.bisect_right(times, time_s + 0.05)
            if step > 0
            else bisect.bisect_left(times, time_s - 0.05) - 1
        )
        return self.keyframes[place % len(times)]

    def _on_answer(self, reply: Keyframes) -> None:
        self.keyframes = reply.keyframes
        self.changed.emit()

    def _over(self, request: Request) -> None:
        if self._request is request:
            self._request = None
