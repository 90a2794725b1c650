"""The clock and the loop that a player has, for one clip as for two in step. No widget."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

SPEEDS: Final = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 8.0)
_TICK_MS: Final = 12
_SHORTEST_LOOP_S: Final = 0.05


class Transport(QObject):
    """Where we are, how fast, and between which two moments it loops; what is shown of that is a subclass's.

    Signals:
        changed(): playing, speed, marks or a clip changed.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.playing = False
        self.speed = 1.0
        self.position_s = 0.0
        self.loop_start_s = 0.0
        self.loop_end_s = 0.0
        self._clock = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)

    def pause(self) -> None:
        """Stand still."""
        self._set_playing(playing=False)

    def change_speed(self, steps: int) -> None:
        """Faster (above 0) or slower by so many entries of SPEEDS."""
        nearest = min(range(len(SPEEDS)), key=lambda entry: abs(SPEEDS[entry] - self.speed))
        self.set_speed(SPEEDS[min(max(nearest + steps, 0), len(SPEEDS) - 1)])

    def set_speed(self, speed: float) -> None:
        """Times real time."""
        self.speed = speed
        self.changed.emit()

    def mark_in(self) -> None:
        """Loop from here."""
        if self.position_s < self.loop_end_s - _SHORTEST_LOOP_S:
            self.loop_start_s = self.position_s
            self.changed.emit()

    def mark_out(self) -> None:
        """Loop up to here."""
        if self.position_s > self.loop_start_s + _SHORTEST_LOOP_S:
            self.loop_end_s = self.position_s
            self.changed.emit()

    def advance(self, seconds: float) -> None:
        """Let `seconds` of wall time pass."""
        raise NotImplementedError

    def _around(self, position_s: float) -> float:
        """Where a position at or behind the loop's end comes to lie in the loop."""
        length_s = max(self.loop_end_s - self.loop_start_s, _SHORTEST_LOOP_S)
        return self.loop_start_s + (position_s - self.loop_end_s) % length_s

    def _set_playing(self, *, playing: bool) -> None:
        self.playing = playing
        if playing:
            self._clock.start()
            self._timer.start()
        else:
            self._timer.stop()
        self.changed.emit()

    def _tick(self) -> None:
        self.advance(self._clock.restart() / 1000)
