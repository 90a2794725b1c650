"""What the fake engine says about time: a curve made up from the query, moments on its summits."""

import math

from core import protocol
from core.protocol import ClipSpan, KeyframeInfo, MomentInfo
from tests.explorer.fake_why import seed

STEP_S = 0.5
MOMENT_S = 3.0


class MomentsAnswers:
    """Mixed into the fake engine: needs its `world` and `say`."""

    def _on_getkeyframes(self, request: protocol.GetKeyframes) -> None:
        _, start_s = self.world.clip(request.clip_id)
        middles = (start_s + 1.0, start_s + 4.0, start_s + 6.5)
        keyframes = tuple(
            KeyframeInfo(round((time_s - start_s) * 1.5), time_s, time_s - 1.0, time_s + 1.0, 0.1 * place)
            for place, time_s in enumerate(middles)
        )
        self.say(protocol.Keyframes(request.id, request.clip_id, keyframes))

    def _on_getmoments(self, request: protocol.GetMoments) -> None:
        video, _ = self.world.clip(request.clip_id)
        frames = round(video.duration_s / STEP_S)
        starts = tuple(number * STEP_S for number in range(frames))
        curve = tuple(curve_at(request.text, start_s) for start_s in starts)
        first = min(clip for clip in range(1, self.world.clips + 1) if self.world.clip(clip)[0] is video)
        clips = tuple(
            ClipSpan(first + number, 8.0 * number, 8.0 * number + 8.0, 0.2) for number in range(video.clips)
        )
        self.say(
            protocol.Moments(
                request.id, request.text, video.video_id, request.clip_id, video.duration_s, "happening", starts,
                tuple(start_s + STEP_S for start_s in starts), curve, tuple(0.2 + 0.05 * value for value in curve),
                tuple(4.0 * number for number in range(round(video.duration_s / 4) + 1)),
                self._moments(request.text, video.duration_s, clips), clips,
            )
        )  # fmt: skip

    def _on_scorespan(self, request: protocol.ScoreSpan) -> None:
        value = curve_at(request.text, (request.start_s + request.end_s) / 2)
        moment = MomentInfo(request.start_s, request.end_s, value, value, request.start_s, request.clip_id)
        self.say(protocol.SpanScored(request.id, moment, 0.84))

    def _moments(self, text: str, duration_s: float, clips: tuple[ClipSpan, ...]) -> tuple[MomentInfo, ...]:
        starts = sorted(
            (number * 4.0 for number in range(int(duration_s / 4) - 1)),
            key=lambda s: -curve_at(text, s + 1.5),
        )
        found = []
        for start_s in starts[:6]:
            clip = next(clip for clip in clips if clip.start_s <= start_s < clip.end_s)
            value = curve_at(text, start_s + 1.5)
            found.append(MomentInfo(start_s, start_s + MOMENT_S, value, value, start_s + 1.5, clip.clip_id))
        return tuple(found)


def curve_at(text: str, time_s: float) -> float:
    """A gentle landscape with a few summits, another one for every query."""
    phase = 6.28 * seed(text)
    return 1.1 * math.sin(time_s / 3.1 + phase) + 0.9 * math.sin(time_s / 7.7 + 2 * phase)
