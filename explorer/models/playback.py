"""The player's clock: where in the clip we are, how fast, and which frame that is. No widget.

Times are seconds of the file. The loop is the clip's span, or the part between the person's two marks.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from core.protocol import Hit
from explorer.models.frames import Frames
from explorer.models.transport import Transport


class Playback(Transport):
    """Plays one clip in a loop.

    Signals:
        frame_changed(place): another frame is due.
        changed(): playing, speed, marks or the clip changed.
    """

    frame_changed = Signal(int)

    def __init__(self, frames: Frames, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.frames = frames
        self.hit: Hit | None = None
        self._place = -1
        frames.arrived.connect(self._on_arrived)

    @property
    def place(self) -> int:
        """The frame that is due, -1 before the first is there."""
        return self._place

    @property
    def marked(self) -> bool:
        """Whether only a part of the clip is looped."""
        hit = self.hit
        return hit is not None and (self.loop_start_s, self.loop_end_s) != (hit.start_s, hit.end_s)

    def open(self, hit: Hit | None, max_height: int, *, play: bool) -> None:
        """Take up a clip from its start; None puts the player away."""
        self.hit = hit
        self._place = -1
        if hit is None:
            self.frames.clear()
            self._set_playing(playing=False)
            return
        self.position_s = self.loop_start_s = hit.start_s
        self.loop_end_s = hit.end_s
        self.frames.open(hit.clip_id, max_height)
        self._set_playing(playing=play)

    def toggle(self) -> None:
        """Play or pause."""
        self._set_playing(playing=not self.playing and self.hit is not None)

    def seek(self, time_s: float) -> None:
        """Go to a time of the file, kept inside the clip."""
        if self.hit is not None:
            self.position_s = min(max(time_s, self.hit.start_s), self.hit.end_s)
            self._show_due()

    def step(self, frames: int) -> None:
        """Pause and move by whole frames, around the ends of the clip."""
        self._set_playing(playing=False)
        if self.frames.count:
            place = (max(0, self._place) + frames) % self.frames.count
            self.position_s = self.frames.time_s(place)
            self._show(place)

    def clear_marks(self) -> None:
        """Loop the whole clip."""
        if self.hit is not None:
            self.loop_start_s, self.loop_end_s = self.hit.start_s, self.hit.end_s
            self.changed.emit()

    def advance(self, seconds: float) -> None:
        """Let `seconds` of wall time pass. At the end of what has arrived the clock waits for more."""
        if not self.frames.count:
            return
        position_s = self.position_s + seconds * self.speed
        if not self.frames.complete:
            position_s = min(position_s, self.frames.time_s(self.frames.count - 1))
        if position_s >= self.loop_end_s:
            position_s = self._around(position_s)
        self.position_s = position_s
        self._show_due()

    def _on_arrived(self) -> None:
        if self._place < 0:
            self._show_due()
        self.changed.emit()

    def _show_due(self) -> None:
        if self.frames.count:
            self._show(self.frames.place_at(self.position_s))

    def _show(self, place: int) -> None:
        if place != self._place:
            self._place = place
            self.frame_changed.emit(place)
