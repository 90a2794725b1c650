"""Long work that is under way: what the jobs strip shows and can stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from core.protocol import Progress
from explorer.engine_client import Request

SHOW_AFTER_MS: Final = 600
"""Work that is done sooner than this is not worth a moving bar."""


@dataclass
class Job:
    """One running request and its latest progress."""

    title: str
    request: Request
    progress: Progress | None = None
    visible: bool = False


class Jobs(QObject):
    """The running jobs, oldest first.

    Signals:
        changed(): a job appeared, moved or left.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None, *, show_after_ms: int = SHOW_AFTER_MS) -> None:
        super().__init__(parent)
        self._jobs: dict[int, Job] = {}
        self._show_after_ms = show_after_ms

    @property
    def visible(self) -> list[Job]:
        """The jobs that have lasted long enough to be shown."""
        return [job for job in self._jobs.values() if job.visible]

    def watch(self, title: str, request: Request) -> None:
        """Follow `request` until it is finished."""
        number = request.number
        self._jobs[number] = Job(title, request)
        request.progressed.connect(lambda progress: self._moved(number, progress))
        request.finished.connect(lambda: self._left(number))
        QTimer.singleShot(self._show_after_ms, request, lambda: self._show(number))

    def _show(self, number: int) -> None:
        if number in self._jobs:
            self._jobs[number].visible = True
            self.changed.emit()

    def _moved(self, number: int, progress: Progress) -> None:
        job = self._jobs[number]
        job.progress = progress
        if job.visible:
            self.changed.emit()

    def _left(self, number: int) -> None:
        if self._jobs.pop(number).visible:
            self.changed.emit()
