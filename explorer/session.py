"""What the window is doing: which library, which query, which ranking. The widgets bind to its signals.

It survives the engine: when a new engine comes up the library is opened again and the last query runs again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from core.protocol import (
    AddFootage,
    ClipsSaved,
    ClipToSave,
    Failed,
    Filters,
    FootageAdded,
    GetLibrary,
    Hit,
    LibraryInfo,
    LibraryOpened,
    Message,
    OpenLibrary,
    Ranked,
    SaveClips,
    Search,
    SearchLike,
    SetDevice,
)
from explorer import formats
from explorer.author import author
from explorer.engine_client import Request
from explorer.engine_link import EngineLink
from explorer.jobs import Jobs
from explorer.places import data_folder
from explorer.settings import Settings

DEMO: Final = "demo"
_REFRESH_MS: Final = 700
_RECENT_LIBRARIES: Final = 8


class Session(QObject):
    """The state behind the window.

    Signals:
        library_changed(info): a library is open or its content changed; None when there is none.
        opening_changed(path): a library is being opened; "" when that is over.
        reopened(): a new engine has the library open again; what the old one was asked for has to be asked again.
        searching_changed(searching): a query is running or is not.
        ranking_changed(ranked): a ranking arrived; None when the query was cleared.
        refused(failure): the query is none that can be answered, e.g. because it is only minus words.
        indexed(sentence, failed): footage was added, and whether some files could not be read.
        missing_found(names): videos whose files are gone and that are still in the library.
        said(level, sentence, detail): something for the message bar.
    """

    library_changed = Signal(object)
    opening_changed = Signal(str)
    reopened = Signal()
    searching_changed = Signal(bool)
    ranking_changed = Signal(object)
    refused = Signal(object)
    indexed = Signal(str, bool)
    missing_found = Signal(object)
    said = Signal(str, str, str)

    def __init__(
        self, link: EngineLink, jobs: Jobs, settings: Settings, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.link = link
        self.library: LibraryInfo | None = None
        self.ranked: Ranked | None = None
        self.query = ""
        self.like: Hit | None = None  # the clip whose like was asked for instead of a query
        self.filters = Filters()
        self.learning = False  # the query's ranking learns from what this person judged
        self._jobs = jobs
        self._settings = settings
        self._wanted_path = ""
        self._wanted_create = False
        self._resuming = False
        self._search: Request | None = None
        self._opening: Request | None = None
        self._footage_waiting: tuple[str, ...] = ()
        self._last_footage: tuple[str, ...] = ()
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.setInterval(_REFRESH_MS)
        self._refresh.timeout.connect(self.refresh_library)
        link.came_up.connect(self._resume)
        link.went_away.connect(self._on_engine_gone)
        link.client.library_grew.connect(lambda _clips: self._refresh.start())

    # --- the library ---------------------------------------------------------------------------------

    @property
    def opening_path(self) -> str:
        """The library that is on its way, or waits for the engine; "" when none does."""
        waits = self._opening is not None or (self.library is None and not self.link.client.ready)
        return self._wanted_path if waits else ""

    @property
    def is_demo(self) -> bool:
        """Whether the open library is the one that comes with the program."""
        return self.library is not None and self._wanted_path == DEMO

    @property
    def searching(self) -> bool:
        """Whether a query is on its way."""
        return self._search is not None

    @property
    def reranks(self) -> bool:
        """Whether queries run through the second stage."""
        return self._settings.flag("search/rerank")

    @property
    def recent_libraries(self) -> list[str]:
        """Paths, newest first."""
        return self._settings.strings("history/libraries")

    def open_library(self, path: str, *, create: bool = False) -> None:
        """Open a library folder, or the demo library by its word."""
        self._wanted_path, self._wanted_create = path, create
        if self._opening is not None:
            self._opening.cancel()
        self.opening_changed.emit(path)
        if not self.link.client.ready:
            return  # `_resume` comes back here
        bundle = self._settings.text("index/bundle") if create else ""
        title = "Preparing the demo library" if path == DEMO else f"Opening {Path(path).name}"
        request = self._ask(lambda number: OpenLibrary(id=number, path=path, bundle=bundle, create=create))
        self._opening = request
        self._jobs.watch(title, request)
        request.answered.connect(self._on_opened)
        request.failed.connect(self._on_open_failed)
        request.finished.connect(lambda: self._opening_over(request))

    def refresh_library(self) -> None:
        """Ask for fresh counts, videos and failures."""
        if self.library is not None and self.link.client.ready:
            request = self._ask(lambda number: GetLibrary(id=number))
            request.answered.connect(self._on_refreshed)

    def add_footage(self, paths: tuple[str, ...], *, drop_missing: bool = False) -> None:
        """Index files and folders; without an open library they found one of their own."""
        if self.library is None:
            self._footage_waiting = paths
            self.open_library(str(_library_place(Path(paths[0]))), create=True)
            return
        self._last_footage = paths
        clip_seconds = self._settings.number("index/clip_seconds")
        stride_s = self._settings.number("index/stride_s")
        request = self._ask(
            lambda number: AddFootage(
                id=number,
                paths=paths,
                clip_seconds=clip_seconds,
                stride_s=stride_s,
                drop_missing=drop_missing,
            )
        )
        self._jobs.watch("Adding footage", request)
        request.answered.connect(self._on_footage_added)
        request.failed.connect(self._say_failure)
        request.dropped.connect(lambda: self._refresh.start())

    def forget_missing(self) -> None:
        """Index the last folders again and forget the videos whose files are gone."""
        self.add_footage(self._last_footage, drop_missing=True)

    def save_clips(self, folder: str, clips: Sequence[ClipToSave]) -> None:
        """Write clips as video files into a folder of the engine's machine."""
        request = self._ask(lambda number: SaveClips(id=number, folder=folder, clips=tuple(clips)))
        self._jobs.watch("Saving clips", request)
        request.answered.connect(self._on_clips_saved)
        request.failed.connect(self._say_failure)

    def set_device(self, device: str) -> None:
        """Move the models."""
        request = self._ask(lambda number: SetDevice(id=number, device=device))
        request.failed.connect(self._say_failure)

    # --- the query -----------------------------------------------------------------------------------

    def search(self, text: str) -> None:
        """Rank the library's clips; the query before is cancelled. An empty text clears the results."""
        self.cancel_search()
        self.like = None
        self.learning = self.learning and text.strip() == self.query
        self.query = text.strip()
        if not self.query:
            self.ranked = None
            self.ranking_changed.emit(None)
            return
        if self.library is None or self._opening is not None or not self.link.client.ready:
            return  # runs as soon as a library is open
        rerank = self._settings.flag("search/rerank")
        joint = rerank and self._settings.flag("search/joint")
        hits = int(self._settings.number("search/hits"))
        query, filters = self.query, self.filters
        learn_from = author() if self.learning else ""
        self._follow(
            self._ask(
                lambda number: Search(
                    id=number,
                    text=query,
                    k=hits,
                    rerank=rerank,
                    filters=filters,
                    joint=joint,
                    learn_from=learn_from,
                )
            )
        )

    def learn(self) -> None:
        """Rank again by what this person judged for the query."""
        self.learning = True
        self.search_again()

    def unlearn(self) -> None:
        """Rank by the query alone again."""
        self.learning = False
        self.search_again()

    def search_like(self, hit: Hit) -> None:
        """Rank the library's clips by how like they are to one; the query before is over."""
        self.cancel_search()
        self.query, self.like, self.learning = "", hit, False
        if self.library is None or self._opening is not None or not self.link.client.ready:
            return  # runs as soon as a library is open
        hits, filters = int(self._settings.number("search/hits")), self.filters
        self._follow(
            self._ask(lambda number: SearchLike(id=number, clip_id=hit.clip_id, k=hits, filters=filters))
        )

    def _follow(self, request: Request) -> None:
        """The search that runs now."""
        self._search = request
        self.searching_changed.emit(True)
        request.answered.connect(self._on_ranked)
        request.failed.connect(self._on_search_failed)
        request.finished.connect(lambda: self._search_over(request))

    def cancel_search(self) -> None:
        """Stop the running query; what is already shown stays."""
        if self._search is not None:
            self._search.cancel()

    def search_again(self) -> None:
        """The same query with today's library, filters and settings."""
        if self.like is not None:
            self.search_like(self.like)
        elif self.query:
            self.search(self.query)

    def set_filters(self, filters: Filters) -> None:
        """Restrict the clips that are ranked."""
        if filters != self.filters:
            self.filters = filters
            self.search_again()

    # --- answers -------------------------------------------------------------------------------------

    def _ask(self, make: Callable[[int], Message]) -> Request:
        return self.link.client.send(make)

    def _on_opened(self, reply: LibraryOpened) -> None:
        self._opening = None
        if self.library is None or self.library.path != reply.library.path:
            self._remember_library(reply.library.path if self._wanted_path != DEMO else DEMO)
        self._on_library(reply)
        self.opening_changed.emit("")
        if self._resuming:
            self._resuming = False
            self.reopened.emit()
        if self._footage_waiting:
            paths, self._footage_waiting = self._footage_waiting, ()
            self.add_footage(paths)
        self.search_again()

    def _on_refreshed(self, reply: LibraryOpened) -> None:
        if self._on_library(reply):
            self.search_again()

    def _on_library(self, reply: LibraryOpened) -> bool:
        """Take it up. Returns whether it is another one than before, of which nothing that is shown can be kept."""
        other = self.library is None or place(self.library) != place(reply.library)
        if other:
            self.filters = Filters()
            self.learning = False
            self.like = None
            self.ranked = None
            self.ranking_changed.emit(None)
        self.library = reply.library
        self.library_changed.emit(reply.library)
        return other

    def _on_open_failed(self, failure: Failed) -> None:
        self._footage_waiting = ()
        if failure.kind == "not_found":
            kept = [path for path in self.recent_libraries if path != self._wanted_path]
            self._settings.set_strings("history/libraries", kept)
        self._wanted_path = self.library.path if self.library is not None else ""
        self._say_failure(failure)

    def _opening_over(self, request: Request) -> None:
        if self._opening is request:
            self._opening = None
            self.opening_changed.emit("")

    def _on_ranked(self, reply: Ranked) -> None:
        self.ranked = reply
        self.ranking_changed.emit(reply)

    def _on_search_failed(self, failure: Failed) -> None:
        if failure.kind == "bad_input":
            self.refused.emit(failure)
        else:
            self._say_failure(failure)
        if self.learning and failure.kind == "not_found":  # nothing is left to learn from
            self.unlearn()

    def _search_over(self, request: Request) -> None:
        if self._search is request:
            self._search = None
            self.searching_changed.emit(False)

    def _on_footage_added(self, reply: FootageAdded) -> None:
        self.refresh_library()
        self.search_again()
        self.indexed.emit(_summary(reply), bool(reply.failed))
        if reply.missing:
            self.missing_found.emit(reply.missing)

    def _on_clips_saved(self, reply: ClipsSaved) -> None:
        listed = ", with their list, clips.csv" if reply.saved else ""
        told = f"Saved {formats.count(reply.saved, 'clip')} in {reply.folder}{listed}"
        if reply.failed:
            lost = f"{formats.count(len(reply.failed), 'clip')} could not be read"
            reasons = "\n".join(dict.fromkeys(failure.reason for failure in reply.failed))
            self.said.emit("note", f"{told}; {lost}.", reasons)
        else:
            self.said.emit("info", f"{told}.", "")

    def _say_failure(self, failure: Failed) -> None:
        self.said.emit("error", failure.sentence, failure.detail)

    def _remember_library(self, path: str) -> None:
        others = [known for known in self.recent_libraries if known != path]
        self._settings.set_strings("history/libraries", [path, *others][:_RECENT_LIBRARIES])

    # --- the engine comes and goes -------------------------------------------------------------------

    def _on_engine_gone(self, sentence: str, detail: str) -> None:
        if not self.link.view.gave_up:  # else the window offers a button
            self.said.emit("error", sentence, detail)

    def _resume(self) -> None:
        self._resuming = self.library is not None
        if self._wanted_path:
            self.open_library(self._wanted_path, create=self._wanted_create)


def place(library: LibraryInfo) -> tuple[str, str]:
    """Tells one library from another, also from one that was built anew in the same folder."""
    return library.path, library.build


def _summary(reply: FootageAdded) -> str:
    """What indexing did, in one sentence."""
    speed = f", {reply.video_seconds / reply.seconds:.0f}× real time" if reply.seconds > 0 else ""
    parts = [f"Added {formats.count(reply.added, 'clip')} in {formats.clock(reply.seconds)}{speed}"]
    if reply.removed:
        parts.append(f"removed {formats.count(reply.removed, 'clip')}")
    if reply.failed:
        parts.append(f"{formats.count(len(reply.failed), 'file')} could not be read")
    return "; ".join(parts) + "."


def _library_place(footage: Path) -> Path:
    """Where a library for dropped footage goes: never inside the footage itself."""
    name = footage.stem if footage.is_file() else footage.name
    return data_folder() / "libraries" / (name or "footage")
