"""Two clips in step: one clock for two playbacks. No widget.

Times are seconds from the start of each clip, so that clips of different places in different files agree. The pair
is as long as its longer clip; the shorter one rests on its last frame.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from core.protocol import Hit
from explorer.models.playback import Playback
from explorer.models.transport import Transport


class Duo(Transport):
    """Plays two clips together; has the controls of a `Playback`.

    Signals:
        moved(): another moment is shown.
        changed(): playing, speed, marks or a clip changed.
    """

    moved = Signal()

    def __init__(self, left: Playback, right: Playback, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.sides = (left, right)
        self._broken: set[int] = set()  # sides that cannot be decoded and wait for nobody
        for place, side in enumerate(self.sides):
            side.frames.failed.connect(lambda _sentence, broken=place: self._broken.add(broken))

    @property
    def length_s(self) -> float:
        """How long the longer clip is; 0 without a clip."""
        return max((hit.end_s - hit.start_s for hit in self._hits()), default=0.0)

    @property
    def bounds(self) -> tuple[float, float]:
        """From where to where one may go."""
        return 0.0, self.length_s

    @property
    def hit(self) -> Hit | None:
        """One of the clips, None while there is none."""
        return next(iter(self._hits()), None)

    def open(self, place: int, hit: Hit | None, max_height: int) -> None:
        """Take a clip up on one side (0 left, 1 right); the pair begins anew."""
        side = self.sides[place]
        if side.hit == hit:
            return
        self._broken.discard(place)
        side.open(hit, max_height, play=False)
        self.position_s = 0.0
        self.clear_marks()
        self.seek(0.0)

    def toggle(self) -> None:
        """Play or pause."""
        self._set_playing(playing=not self.playing and self.hit is not None)

    def play(self) -> None:
        """Play, if there is something to play."""
        self._set_playing(playing=self.hit is not None)

    def seek(self, time_s: float) -> None:
        """Go to a time, kept inside the pair."""
        self.position_s = min(max(time_s, 0.0), self.length_s)
        for side in self.sides:
            if side.hit is not None:
                side.seek(side.hit.start_s + self.position_s)
        self.moved.emit()

    def step(self, frames: int) -> None:
        """Pause and move by whole frames of the longer clip, around its ends."""
        self.pause()
        side = max(self.sides, key=lambda s: 0.0 if s.hit is None else s.hit.end_s - s.hit.start_s)
        if side.hit is not None and side.frames.count:
            place = (side.frames.place_at(side.hit.start_s + self.position_s) + frames) % side.frames.count
            self.seek(side.frames.time_s(place) - side.hit.start_s)

    def clear_marks(self) -> None:
        """Loop the whole pair."""
        self.loop_start_s, self.loop_end_s = 0.0, self.length_s
        self.changed.emit()

    def advance(self, seconds: float) -> None:
        """Let `seconds` of wall time pass. Where frames are still on their way the clock waits for both sides."""
        arrived = [self._arrived_s(place) for place, side in enumerate(self.sides) if side.hit is not None]
        if not arrived:
            return
        position_s = self.position_s + seconds * self.speed
        if position_s >= self.loop_end_s and min(arrived) >= self.loop_end_s:
            position_s = self._around(position_s)
        self.seek(min(position_s, *arrived, self.loop_end_s))

    def _arrived_s(self, place: int) -> float:
        """Up to where a side can be shown; a complete clip stands in nobody's way."""
        side = self.sides[place]
        if side.hit is None or side.frames.complete or place in self._broken:
            return self.length_s
        return side.frames.time_s(side.frames.count - 1) - side.hit.start_s if side.frames.count else 0.0

    def _hits(self) -> list[Hit]:
        return [side.hit for side in self.sides if side.hit is not None]
