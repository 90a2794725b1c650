"""Answers to "where in the frames is that": heatmaps in parts, beside the queries and never in front of one.

The work is cut into slices of a tenth of a second; before each one the explaining thread steps aside for whatever the
models thread has to do, and looks whether anybody still wants the answer. What was computed is kept: a clip's
frames as the tower sees them, its random-order controls, and the maps themselves.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from core import protocol
from core.engine.context import Context, Handler
from core.engine.workers import Job
from core.errors import DrivescopeError, ErrorKind

if TYPE_CHECKING:
    from core.explain.heatmap import ClipSight, Heatmap
    from core.explain.methods import Method
    from core.explain.targets import Target
    from core.models.bundle import ModelBundle
    from core.search.pipeline import Searcher

HEAT_HEIGHT: Final = 90
"""Rows of a map on the wire; a tower's grid has far fewer, and the window smooths it further."""
SLICE_S: Final = 0.1
KEPT_CLIPS: Final = 8
KEPT_ANSWERS: Final = 64


@dataclass(frozen=True)
class Sampled:
    """A clip's frames that the model saw."""

    times: tuple[float, ...]  # seconds of the file
    sight: ClipSight
    shape: tuple[int, int]  # rows and columns of a map on the wire


@dataclass
class Answer:
    """The maps of one clip, target and method, as far as they are computed; by the frame's number."""

    maps: dict[int, Heatmap] = field(default_factory=dict)
    trust: dict[int, protocol.HeatTrust] = field(default_factory=dict)


class Explaining:
    """One connection's explanations. Its methods run in the explaining thread, one at a time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._searcher: Searcher | None = None
        self._bundle: ModelBundle | None = None
        self._clips: OrderedDict[int, Sampled] = OrderedDict()
        self._answers: OrderedDict[tuple[Any, ...], Answer] = OrderedDict()

    def handlers(self) -> dict[type, Handler]:
        """The requests that are answered here."""
        return {protocol.GetHeat: (self._context.host.workers.explaining, self._get_heat)}

    def _get_heat(self, job: Job, request: protocol.GetHeat) -> None:
        from core.explain.command import choose_target

        if not request.text.strip():
            raise DrivescopeError(ErrorKind.BAD_INPUT, "The query is empty: type what should be explained.")
        bundle = self._take_up(job)
        target = choose_target(bundle, request.text, request.phrase, request.against)
        sent = -1
        if request.clip_id not in self._clips:
            sent = self._look(job, request, bundle, target)
        self._clips.move_to_end(request.clip_id)
        self._course(job, request, self._clips[request.clip_id], target).run(sent)

    def _take_up(self, job: Job) -> ModelBundle:
        """The bundle of the open library; what was kept for another library, device or bundle is let go."""
        searcher = self._context.open_searcher
        self._context.host.workers.models.let_pass(job.check)
        self._context.host.share_cores()
        if searcher is not self._searcher or searcher.bundle is not self._bundle:
            self._clips.clear()
            self._answers.clear()
            self._searcher, self._bundle = searcher, searcher.bundle
        return searcher.bundle

    def _look(self, job: Job, request: protocol.GetHeat, bundle: ModelBundle, target: Target) -> int:
        """Decode the clip's frames, the one nearest the player alone first, whose map is sent. Returns its number."""
        from core.explain.heatmap import ClipSight
        from core.library.clips import Span, sample_times
        from core.library.timeline import read_timeline
        from core.library.video import frames_at

        library = self._context.open_searcher.library.reopen()  # SQLite objects stay in their thread
        try:
            clip = library.catalog.clip(request.clip_id)
        finally:
            library.close()
        path = clip.footage()
        wanted = sample_times(Span(clip.start_s, clip.end_s), bundle.spec.frames)
        timeline = read_timeline(path, job.check)

        def decode(times: Sequence[float]) -> Sampled:
            samples = []
            for sample in frames_at(path, times, timeline):
                job.check()
                samples.append(sample)
            height, width = samples[0][1].shape[:2]
            shape = (HEAT_HEIGHT, max(1, round(HEAT_HEIGHT * width / height)))
            sight = ClipSight.look(bundle, [rgb for _, rgb in samples])
            return Sampled(tuple(time_s for time_s, _ in samples), sight, shape)

        shown = [timeline.seconds(int(timeline.shown[timeline.on_display(time_s)])) for time_s in wanted]
        nearest = min(range(len(shown)), key=lambda number: abs(shown[number] - request.near_s))
        self._course(job, request, decode([wanted[nearest]]), target).first(nearest, len(wanted))
        self._clips[request.clip_id] = decode(wanted)
        while len(self._clips) > KEPT_CLIPS:
            self._clips.popitem(last=False)
        return nearest

    def _course(self, job: Job, request: protocol.GetHeat, sampled: Sampled, target: Target) -> Course:
        """The request's way, and the answer that it adds to."""
        from core.explain.methods import check_method

        sight = sampled.sight
        method = check_method(sight.vision, request.method, sight.bundle.spec.title)
        key = (request.clip_id, target.name, request.against, method)
        answer = self._answers.setdefault(key, Answer())
        self._answers.move_to_end(key)
        while len(self._answers) > KEPT_ANSWERS:
            self._answers.popitem(last=False)
        return Course(self._context, job, request, sampled, target, method, answer)


@dataclass
class Course:
    """The way of one request: maps nearest first, then how far each can be trusted."""

    context: Context
    job: Job
    request: protocol.GetHeat
    sampled: Sampled
    target: Target
    method: Method
    answer: Answer

    def first(self, number: int, frames: int) -> None:
        """Send the only map of a sight that holds frame `number` alone, out of `frames`."""
        self._stand_back()
        (one,) = self.sampled.sight.maps(self.target, self.method)
        self.answer.maps[number] = replace(one, frame=number)
        self._post(frames, maps=(self._drawn(one, number, self.sampled.times[0]),))

    def run(self, sent: int = -1) -> None:
        """Send what is kept, except frame `sent`, and compute the rest."""
        times, answer = self.sampled.times, self.answer
        order = sorted(range(len(times)), key=lambda number: abs(times[number] - self.request.near_s))
        known = [answer.maps[number] for number in order if number in answer.maps and number != sent]
        trusted = tuple(answer.trust[number] for number in order if number in answer.trust)
        if known or trusted:
            self._post_maps(known, trusted)
        for numbers in self._slices([number for number in order if number not in answer.maps]):
            found = self.sampled.sight.maps(self.target, self.method, numbers)
            answer.maps |= dict(zip(numbers, found, strict=True))
            self._post_maps(found)
        for number in order:
            if number not in answer.trust:
                answer.trust[number] = self._judge(answer.maps[number])
                self._post(len(times), trust=(answer.trust[number],))
        self._post(len(times), last=True)

    def _slices(self, numbers: list[int]) -> Iterator[list[int]]:
        """Ever as many as fit into `SLICE_S`, by how long the ones before took."""
        size = 1
        while numbers:
            self._stand_back()
            began = time.monotonic()
            yield numbers[:size]
            each = (time.monotonic() - began) / len(numbers[:size])
            numbers = numbers[size:]
            size = max(1, min(2 * size, int(SLICE_S / max(each, 1e-6))))

    def _judge(self, one: Heatmap) -> protocol.HeatTrust:
        (found,) = self.sampled.sight.faithfulness(self.target, [one], self._stand_back)
        return protocol.HeatTrust(one.frame, found.value, found.control, found.reliable)

    def _stand_back(self) -> None:
        """Let every waiting query pass. Raises Cancelled when nobody waits for this answer any more."""
        self.context.host.workers.models.let_pass(self.job.check)

    def _drawn(self, one: Heatmap, number: int, time_s: float) -> protocol.HeatMap:
        height, width = self.sampled.shape
        heat = np.rint(one.on_frame(height, width) * 255).astype(np.uint8).tobytes()
        return protocol.HeatMap(number, time_s, one.score, width, height, heat)

    def _post_maps(self, maps: Sequence[Heatmap], trust: tuple[protocol.HeatTrust, ...] = ()) -> None:
        times = self.sampled.times
        drawn = tuple(self._drawn(one, one.frame, times[one.frame]) for one in maps)
        self._post(len(times), drawn, trust)

    def _post(
        self,
        frames: int,
        maps: tuple[protocol.HeatMap, ...] = (),
        trust: tuple[protocol.HeatTrust, ...] = (),
        *,
        last: bool = False,
    ) -> None:
        methods = self.sampled.sight.methods
        self.context.post(
            protocol.Heat(
                id=self.job.id,
                clip_id=self.request.clip_id,
                method=self.method,
                methods=methods,
                frames=frames,
                maps=maps,
                trust=trust,
                last=last,
            )
        )
