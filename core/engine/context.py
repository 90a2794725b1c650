"""What every group of request handlers shares: the host, the way out, and the library that is open."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, Final

from core import protocol
from core.engine.host import Host
from core.engine.workers import Job
from core.errors import DrivescopeError, ErrorKind

if TYPE_CHECKING:
    from core.explain.joint_score import JointScorer
    from core.library.ingest import IngestProgress
    from core.library.library import Library
    from core.search.pipeline import Searcher

Post = Callable[[protocol.Reply], None]
Step = Callable[[Job, Any], "Step | None"]
"""Answers a request, or a part of it; what it returns is the rest, which other work of its thread may come before."""
Handler = tuple[Executor, Step]
"""In which thread a request is answered, and by what."""
PROGRESS_SECONDS: Final = 0.2


class Context:
    """One connection's surroundings. `post` may be called from any thread."""

    def __init__(self, host: Host, post: Post) -> None:
        self.host = host
        self.post = post
        self.searcher: Searcher | None = None
        self._told: tuple[int, ...] = ()  # what the open library held when the window last heard of it
        self._joint: tuple[str, JointScorer] | None = None

    @property
    def open_searcher(self) -> Searcher:
        """The searcher of the open library. Raises DrivescopeError while there is none."""
        if self.searcher is None:
            raise DrivescopeError(
                ErrorKind.NOT_FOUND, "No library is open: open one or add a folder of footage."
            )
        return self.searcher

    def ready_searcher(self) -> Searcher:
        """The same with its bundle loaded on the device in force; for the models thread only."""
        searcher = self.open_searcher
        searcher.library.follow()  # built anew in the same place, it may want another bundle
        made_with = searcher.library.made_with
        searcher.bundle = self.host.bundle(made_with.reference, made_with.crop)
        return searcher

    def tell_of(self, library: Library) -> None:
        """What the library holds now is what the window hears next."""
        self._told = library.on_disk

    def look_again(self) -> None:
        """Push `LibraryChanged` if the open library holds something else than the window heard; from any thread."""
        searcher = self.searcher
        if searcher is None:
            return
        now = searcher.library.on_disk
        if now and now != self._told:
            self._told = now
            self.post(protocol.LibraryChanged(clips=searcher.clips))

    def joint_scorer(self) -> JointScorer:
        """What weighs skeletons into a rerank, for the bundle in force; for the models thread only."""
        from core.explain.joint_score import JointScorer
        from core.explain.ontology import load_ontology

        bundle = self.open_searcher.bundle
        if self._joint is None or self._joint[0] != bundle.spec.fingerprint:
            self._joint = (bundle.spec.fingerprint, JointScorer(bundle, load_ontology()))
        return self._joint[1]

    def progress(self, job: Job, title: str) -> Callable[[IngestProgress], None]:
        """A progress callback that posts at most five times a second, and always the last step."""
        last = 0.0

        def report(step: IngestProgress) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last < PROGRESS_SECONDS and step.done < step.total:
                return
            last = now
            self.post(
                protocol.Progress(
                    id=job.id,
                    title=title,
                    stage=step.stage,
                    done=step.done,
                    total=step.total,
                    unit="clips",
                    rate=step.rate,
                    eta_s=step.eta_s,
                    detail=step.detail,
                    realtime=step.realtime,
                )
            )

        return report
