"""Threads of the engine and the cancelling of what they do.

One thread owns the models (a GPU serves one caller best), one indexes, a small pool decodes pictures. The
asyncio loop itself never computes: it must answer pings while the models work.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

from core.errors import Cancelled


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


class Workers:
    """The engine's threads, by what they may do.

    Attributes:
        models: one thread; loads bundles and answers queries.
        stepping: two threads; lead long work through the models thread a step at a time, and wait in between.
        indexing: one thread; runs an ingest, which starts its own worker per core.
        analysing: one thread; reads truth files and stored runs and sums them up.
        pictures: a few threads; read thumbnails and decode frames for playback.
    """

    def __init__(self) -> None:
        self.models = ThreadPoolExecutor(1, thread_name_prefix="models")
        self.stepping = ThreadPoolExecutor(2, thread_name_prefix="stepping")
        self.indexing = ThreadPoolExecutor(1, thread_name_prefix="indexing")
        self.analysing = ThreadPoolExecutor(1, thread_name_prefix="analysing")
        self.pictures = ThreadPoolExecutor(min(4, max(2, os.cpu_count() or 2)), thread_name_prefix="pictures")

    def stop(self) -> None:
        """Drop what has not begun; what runs ends by its own cancel checks."""
        for executor in (self.models, self.stepping, self.indexing, self.analysing, self.pictures):
            executor.shutdown(wait=False, cancel_futures=True)
