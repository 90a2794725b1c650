"""Threads of the engine and the cancelling of what they do.

One thread owns the models (a GPU serves one caller best), one explains beside it, one indexes, a small pool decodes
pictures. The asyncio loop itself never computes: it must answer pings while the models work.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from core.errors import Cancelled

CHECK_S: Final = 0.05
"""How often a thread that waits for another looks whether it is still wanted."""


class Job:
    """One running request: its id and whether somebody stopped it. Safe to use from any thread."""

    def __init__(self, request_id: int) -> None:
        self.id = request_id
        self._stop = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop at its next check."""
        self._stop.set()

    def is_cancelled(self) -> bool:
        """Whether somebody asked this job to stop."""
        return self._stop.is_set()

    def check(self) -> None:
        """Raise `Cancelled` if somebody asked this job to stop."""
        if self._stop.is_set():
            raise Cancelled


class ModelsThread(ThreadPoolExecutor):
    """The one thread that owns the models. Work that can wait lets its work pass."""

    def __init__(self) -> None:
        super().__init__(1, thread_name_prefix="models")
        self._lock = threading.Lock()
        self._unfinished = 0
        self._quiet = threading.Event()
        self._quiet.set()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        """As an executor does."""
        with self._lock:
            self._unfinished += 1
            self._quiet.clear()
        future = super().submit(fn, *args, **kwargs)
        future.add_done_callback(self._finish)
        return future

    def let_pass(self, check: Callable[[], None]) -> None:
        """Return as soon as this thread has nothing to do. `check` is called meanwhile and may raise."""
        check()
        while not self._quiet.wait(CHECK_S):
            check()

    def _finish(self, _future: Future[Any]) -> None:
        with self._lock:
            self._unfinished -= 1
            if not self._unfinished:
                self._quiet.set()


class Workers:
    """The engine's threads, by what they may do.

    Attributes:
        models: one thread; loads bundles and answers queries.
        explaining: one thread; computes heatmaps with the models that are loaded, while no query runs.
        stepping: two threads; lead long work through the models thread a step at a time, and wait in between.
        indexing: one thread; runs an ingest, which starts its own worker per core.
        analysing: one thread; reads truth files and stored runs and sums them up.
        pictures: a few threads; read thumbnails and decode frames for playback.
    """

    def __init__(self) -> None:
        self.models = ModelsThread()
        self.explaining = ThreadPoolExecutor(1, thread_name_prefix="explaining")
        self.stepping = ThreadPoolExecutor(2, thread_name_prefix="stepping")
        self.indexing = ThreadPoolExecutor(1, thread_name_prefix="indexing")
        self.analysing = ThreadPoolExecutor(1, thread_name_prefix="analysing")
        self.pictures = ThreadPoolExecutor(min(4, max(2, os.cpu_count() or 2)), thread_name_prefix="pictures")

    def stop(self) -> None:
        """Drop what has not begun; what runs ends by its own cancel checks."""
        for executor in (
            self.models,
            self.explaining,
            self.stepping,
            self.indexing,
            self.analysing,
            self.pictures,
        ):
            executor.shutdown(wait=False, cancel_futures=True)
