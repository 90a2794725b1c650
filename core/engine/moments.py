"""Answers about time inside a video: key images, where a query is answered, what a chosen span is worth.

A video's footage (windows, events) does not depend on the query; the last few are kept, so another query or a
dragged span costs one product. The first look at a long video takes a second or more, so it is worked out beside
the queries, in slices that let them pass.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from core import protocol
from core.engine.context import Context, Handler
from core.engine.workers import Job
from core.errors import DrivescopeError, ErrorKind
from core.search.query import positive

if TYPE_CHECKING:
    from core.explain.moments import Footage, Moment
    from core.library.catalog import ClipRow
    from core.search.pipeline import Searcher

KEPT_VIDEOS: Final = 4
EVENT_LEVEL: Final = 1
"""Which of the levels of boundaries the window draws: the middle one, about as many events as a person would tell."""


class Moments:
    """One connection's questions about time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._footage: OrderedDict[tuple[object, ...], Footage] = OrderedDict()

    def handlers(self) -> dict[type, Handler]:
        """The requests that are answered here."""
        workers = self._context.host.workers
        return {
            protocol.GetKeyframes: (workers.pictures, self._get_keyframes),
            protocol.GetMoments: (workers.explaining, self._get_moments),
            protocol.ScoreSpan: (workers.explaining, self._score_span),
        }

    def _get_keyframes(self, job: Job, request: protocol.GetKeyframes) -> None:
        from core.library.keyframes import of_clip

        searcher = self._context.open_searcher
        library = searcher.library
        clip = library.catalog.clip(request.clip_id)
        found = of_clip(library, library.features(searcher.bundle.spec), clip)
        infos = (protocol.KeyframeInfo(k.frame, k.time_s, k.start_s, k.end_s, k.change) for k in found)
        self._context.post(protocol.Keyframes(job.id, request.clip_id, tuple(infos)))

    def _get_moments(self, job: Job, request: protocol.GetMoments) -> None:
        searcher, clips, footage = self._look(job, request)
        from core.explain.moments import find, salience
        from core.explain.moments_scope import scope_of

        text = positive(request.text)
        query = searcher.bundle.encode_text(text)
        scope = scope_of(text)
        found = salience(footage, query.sentence.cpu().numpy())
        best = find(footage, found, scope)
        job.check()
        bounds = [footage.span_s(int(t), int(t) + 1)[0] for t in footage.events[EVENT_LEVEL][:-1]]
        self._context.post(
            protocol.Moments(
                id=job.id,
                query=request.text,
                video_id=clips[0].video_id,
                clip_id=request.clip_id,
                duration_s=max(float(footage.ends_s[-1]), _duration_s(searcher, clips[0].video_id)),
                scope=scope.name,
                starts_s=tuple(footage.starts_s.tolist()),
                ends_s=tuple(footage.ends_s.tolist()),
                curve=tuple(found.curve.tolist()),
                cosines=tuple(found.cosine.tolist()),
                bounds_s=(*bounds, float(footage.ends_s[-1])),
                moments=tuple(_info(moment, clips) for moment in best),
                clips=_clip_spans(searcher, clips, query.student.cpu().numpy()),
            )
        )

    def _score_span(self, job: Job, request: protocol.ScoreSpan) -> None:
        if not 0 <= request.start_s < request.end_s:
            raise DrivescopeError(
                ErrorKind.BAD_INPUT, "A span must begin at 0 s or later and before it ends."
            )
        searcher, clips, footage = self._look(job, request)
        from core.explain.moments import salience, score_span
        from core.explain.moments_scope import scope_of

        text = positive(request.text)
        found = salience(footage, searcher.bundle.encode_text(text).sentence.cpu().numpy())
        moment, share = score_span(footage, found, scope_of(text), request.start_s, request.end_s)
        self._context.post(protocol.SpanScored(job.id, _info(moment, clips), share))

    def _look(
        self, job: Job, request: protocol.GetMoments | protocol.ScoreSpan
    ) -> tuple[Searcher, list[ClipRow], Footage]:
        """The searcher, the clips of the video in order of time, and its footage."""
        if not request.text.strip():
            raise DrivescopeError(
                ErrorKind.BAD_INPUT, "The query is empty: type what should be found in time."
            )
        searcher = self._context.open_searcher
        from core.explain.moments_footage import footage_of

        catalog = searcher.library.catalog
        clips = sorted(
            catalog.clips(catalog.clip(request.clip_id).video_id),
            key=lambda clip: (clip.start_s, clip.clip_id),
        )
        key = (searcher.library.folder, searcher.bundle.spec.fingerprint, *(clip.clip_id for clip in clips))
        if key not in self._footage:
            store = searcher.library.features(searcher.bundle.spec)
            models = self._context.host.workers.models
            self._footage[key] = footage_of(searcher.bundle, store, clips, lambda: models.let_pass(job.check))
            while len(self._footage) > KEPT_VIDEOS:
                self._footage.popitem(last=False)
        self._footage.move_to_end(key)
        return searcher, clips, self._footage[key]


def _duration_s(searcher: Searcher, video_id: int) -> float:
    durations = [v.duration_s for v in searcher.library.catalog.videos() if v.video_id == video_id]
    return durations[0] if durations else 0.0


def _clip_spans(searcher: Searcher, clips: list[ClipRow], student: object) -> tuple[protocol.ClipSpan, ...]:
    store = searcher.library.features(searcher.bundle.spec)
    rows = {int(clip_id): row for row, clip_id in enumerate(store.clip_ids.tolist())}
    return tuple(
        protocol.ClipSpan(
            clip.clip_id,
            clip.start_s,
            clip.end_s,
            float(store.student[rows[clip.clip_id]].astype("f4") @ student),
        )
        for clip in clips
        if clip.clip_id in rows
    )


def _info(moment: Moment, clips: list[ClipRow]) -> protocol.MomentInfo:
    """The moment with the clip that shows its peak; of overlapping ones, the one in whose middle it lies."""

    def away(clip: ClipRow) -> tuple[bool, float]:
        inside = clip.start_s <= moment.peak_s < clip.end_s
        return not inside, abs((clip.start_s + clip.end_s) / 2 - moment.peak_s)

    clip_id = min(clips, key=away).clip_id
    return protocol.MomentInfo(
        moment.start_s, moment.end_s, moment.score, moment.salience, moment.peak_s, clip_id
    )
