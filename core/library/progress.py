"""How far a run of ingest is, how fast, and how long it still takes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.library.chunks import ChunkResult
from core.library.plan import Plan, Task
from core.library.timeline import printable

_RATE_WINDOW_S: Final = 20.0


@dataclass(frozen=True)
class IngestProgress:
    """Where a run stands. Counts are clips of this run; `total` is an estimate until all files were planned.

    `rate` is clips a second of late, `realtime` seconds of footage a second, `eta_s` < 0 while it is not known,
    `committed` how many clips the library can find now.
    """

    stage: str
    done: int
    total: int
    rate: float
    eta_s: float
    realtime: float
    detail: str
    committed: int


class Meter:
    """Counts clips and footage, and tells rate and time left."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._unplanned = {task.number: max(0, task.size) for task in tasks}
        self._planned_bytes = 0
        self._planned_clips = 0
        self._done = 0
        self._footage_s = 0.0
        self._file = ""
        self._history = deque([(time.monotonic(), 0, 0.0)])

    def count(self, result: Plan | ChunkResult) -> None:
        """Takes a result into account."""
        self._file = printable(result.task.path.name)
        if isinstance(result, Plan):
            clips = sum(len(chunk) for chunk in result.chunks)
            size = self._unplanned.pop(result.task.number)
            self._planned_clips += clips
            self._planned_bytes += size if clips else 0
        else:
            self._done += len(result.spans)
            self._footage_s += sum(span.seconds for span in result.spans)

    def read(self, stage: str, committed: int) -> IngestProgress:
        """Where the run stands now."""
        now = time.monotonic()
        self._history.append((now, self._done, self._footage_s))
        while len(self._history) > 2 and now - self._history[1][0] > _RATE_WINDOW_S:
            self._history.popleft()
        then, done, footage_s = self._history[0]
        seconds = max(now - then, 1e-9)
        rate = (self._done - done) / seconds
        total = self._planned_clips + self._guess()
        return IngestProgress(
            stage=stage,
            done=self._done,
            total=total,
            rate=rate,
            eta_s=(total - self._done) / rate if rate > 0 else (0.0 if total == self._done else -1.0),
            realtime=(self._footage_s - footage_s) / seconds,
            detail=self._file,
            committed=committed,
        )

    def _guess(self) -> int:
        """Clips in the files that were not looked into yet, by their size."""
        if not self._unplanned:
            return 0
        per_byte = self._planned_clips / self._planned_bytes if self._planned_bytes else 0.0
        return max(len(self._unplanned), round(sum(self._unplanned.values()) * per_byte))
