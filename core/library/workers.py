"""The threads of ingest: each plans files and turns their clips into vectors, from file to pooled clip alone.

One thread per core does decode -> resize -> encode of its own units, with one torch thread in each and no
queue between the steps: decoders that feed an encoder, and teams of threads inside either, wait for each other
more than they work. `drivescope bench` holds the whole against its parts.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Sequence
from typing import Final

import cv2
import torch

from core.errors import Cancelled
from core.library.catalog import ClipRow, VideoRow
from core.library.chunks import ChunkResult, Unit, make, units_of
from core.library.encoder import FrameEncoder
from core.library.plan import Plan, Planner, Task

_MOST_WORKERS: Final = 16


def worker_count() -> int:
    """One worker per core that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _MOST_WORKERS))


class Workers:
    """Threads that work through tasks; whoever made them takes the results with `take`.

    `moved` is for the `Planner`: library entries whose files are gone, by their contents.
    """

    def __init__(
        self,
        bundle: FrameEncoder,
        tasks: Sequence[Task],
        moved: dict[str, tuple[VideoRow, tuple[ClipRow, ...]]],
        count: int,
    ) -> None:
        self._bundle = bundle
        self._tasks = deque(tasks)
        self._planner = Planner(moved, self._check)
        self._units: deque[Unit] = deque()
        self._results: deque[Plan | ChunkResult] = deque()
        self._planning = 0
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._fatal: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._run, name=f"ingest-{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def take(self, timeout_s: float) -> list[Plan | ChunkResult]:
        """What was finished since the last call; waits for something, but no longer than `timeout_s`.

        Raises what stopped a worker, if it was not a file's fault.
        """
        with self._changed:
            if not self._results and self._fatal is None:
                self._changed.wait(timeout_s)
            if self._fatal is not None:
                raise self._fatal
            taken = list(self._results)
            self._results.clear()
            return taken

    @property
    def working(self) -> bool:
        """Whether results may still come, or what stopped a worker is still to be raised by `take`."""
        alive = any(thread.is_alive() for thread in self._threads)  # asked first: results outlive threads
        return alive or bool(self._results) or self._fatal is not None

    def stop(self) -> None:
        """Ends the threads after the frame at hand."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    # --- inside the threads ---------------------------------------------------------------------------

    def _run(self) -> None:
        torch.set_num_threads(1)  # counts for this thread; a team per worker would fight over the cores
        cv2.setNumThreads(1)
        try:
            while (work := self._next()) is not None:
                if isinstance(work, Task):
                    self._plan(work)
                else:
                    for result in make(work, self._bundle, self._check):
                        self._give(result)
        except Cancelled:
            return
        except BaseException as error:  # noqa: BLE001 - a thread cannot raise to its maker; `take` does
            with self._changed:
                self._fatal = error
                self._changed.notify_all()

    def _next(self) -> Unit | Task | None:
        """The next unit, or a file to plan if there is none; None when all is done."""
        with self._changed:
            while not self._stop.is_set() and self._fatal is None:
                if self._units:
                    return self._units.popleft()
                if self._tasks:
                    self._planning += 1
                    return self._tasks.popleft()
                if not self._planning:
                    return None
                self._changed.wait()
            return None

    def _give(self, result: Plan | ChunkResult) -> None:
        with self._changed:
            self._results.append(result)
            self._changed.notify_all()

    def _plan(self, task: Task) -> None:
        plan = self._planner.plan(task)
        with self._changed:
            self._planning -= 1
            self._units.extend(units_of(plan))
            self._results.append(plan)
            self._changed.notify_all()

    def _check(self) -> None:
        if self._stop.is_set():
            raise Cancelled
