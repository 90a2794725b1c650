"""The line at the bottom while long work runs: what, how far, how fast, how long still, stop."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from core.protocol import Progress
from explorer import formats
from explorer.jobs import Job, Jobs
from explorer.widgets.parts import ElidedLabel, button, label

_STEPS: Final = 1000


class JobRow(QWidget):
    """One job."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job
        self._title = label(job.title, "strong")
        self._stage = ElidedLabel("", "secondary")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setMinimumWidth(160)
        self._numbers = label("", "secondary")
        self._cancel: QPushButton = button("Cancel", on_click=job.request.cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 4, 12, 4)
        row.setSpacing(16)
        row.addWidget(self._title)
        row.addWidget(self._stage, 2)
        row.addWidget(self._bar, 3)
        row.addWidget(self._numbers)
        row.addWidget(self._cancel)
        self.update_progress()

    def update_progress(self) -> None:
        """Show the job's latest progress; before the first the bar runs to and fro."""
        progress = self.job.progress
        if progress is None or progress.total <= 0:
            self._bar.setRange(0, 0)
        else:
            self._bar.setRange(0, _STEPS)
            self._bar.setValue(round(_STEPS * min(1.0, progress.done / progress.total)))
        if progress is not None:
            self._title.setText(progress.title or self.job.title)
            self._stage.setText(" · ".join(part for part in (progress.stage, progress.detail) if part))
            self._numbers.setText(numbers(progress))


class JobsStrip(QWidget):
    """All visible jobs, one row each; hidden when there is none."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self.setObjectName("jobsStrip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._jobs = jobs
        self._rows: dict[int, JobRow] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 4, 0, 4)
        self._column.setSpacing(0)
        jobs.changed.connect(self._refresh)
        self.setVisible(False)

    def _refresh(self) -> None:
        running = {job.request.number: job for job in self._jobs.visible}
        for number in [number for number in self._rows if number not in running]:
            self._rows.pop(number).deleteLater()
        for number, job in running.items():
            if number not in self._rows:
                self._rows[number] = JobRow(job)
                self._column.addWidget(self._rows[number])
            self._rows[number].update_progress()
        self.setVisible(bool(running))


def numbers(progress: Progress) -> str:
    """`312 of 1,200 clips  ·  41 clips/s  ·  22× real time  ·  0:21 left`, as far as it is known."""
    unit = progress.unit
    parts = []
    if progress.total > 0:
        done, total = formats.quantity(progress.done, unit), formats.quantity(progress.total, unit)
        parts.append(f"{done} of {total} {unit}")
    if progress.rate > 0:
        parts.append(f"{progress.rate:.1f} {unit}/s")
    if progress.realtime > 0:
        parts.append(f"{progress.realtime:.0f}× real time")
    if left := formats.time_left(progress.eta_s):
        parts.append(left)
    return "  ·  ".join(parts)
