"""Clips as video files: the request of the window, answered in a thread of those that decode pictures."""

from __future__ import annotations

import time
from pathlib import Path

from core import protocol
from core.engine.context import PROGRESS_SECONDS, Context, Handler
from core.engine.workers import Job
from core.errors import DrivescopeError, ErrorKind


class Saving:
    """Answers `SaveClips`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def handlers(self) -> dict[type, Handler]:
        """In which thread, and by what."""
        return {protocol.SaveClips: (self._context.host.workers.pictures, self._save_clips)}

    def _save_clips(self, job: Job, request: protocol.SaveClips) -> None:
        from core.library.save_clips import save_clips

        if not request.folder.strip():
            raise DrivescopeError(ErrorKind.BAD_INPUT, "Choose a folder for the clips.")
        started, last, total = time.monotonic(), 0.0, len(request.clips)

        def progress(done: int, name: str) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last < PROGRESS_SECONDS:
                return
            last = now
            rate = done / (now - started) if done else 0.0
            left_s = (total - done) / rate if rate > 0 else -1.0
            self._context.post(
                protocol.Progress(job.id, "Saving clips", "", done, total, "clips", rate, left_s, name)
            )

        library = self._context.open_searcher.library.reopen()
        try:
            clips = [(one.rank, library.catalog.clip(one.clip_id)) for one in request.clips]
            folder = Path(request.folder).expanduser()
            report = save_clips(clips, folder, progress=progress, cancelled=job.is_cancelled)
        finally:
            library.close()
        failed = tuple(protocol.FailureInfo(f.path, f.kind, f.reason) for f in report.failed)
        self._context.post(
            protocol.ClipsSaved(job.id, folder=str(folder), saved=len(report.saved), failed=failed)
        )
