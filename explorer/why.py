"""The tab "Why" and everything that leads to it: keys, menus, drops, the strip's bars, the picture's heat, saving."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QFileDialog, QMenu

from core.protocol import ClipPlace, Hit, RankExplained
from explorer import formats
from explorer.engine_client import Request
from explorer.models.why import Why, ask_rank
from explorer.models.why_words import is_small, lit
from explorer.saving import Saving
from explorer.widgets.why_dialog import PickClip
from explorer.widgets.why_page import WhyPage

if TYPE_CHECKING:
    from explorer.actions import Actions
    from explorer.models.heat import Heat
    from explorer.models.thumbnails import Thumbnails
    from explorer.session import Session
    from explorer.settings import Settings
    from explorer.widgets.main_window import MainWindow

NAME: Final = "why"
_REST_MS: Final = 350
"""So long a word is pointed at before its regions are asked for."""


class WhyTab(QObject):
    """Binds the explanation to the window."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        actions: Actions,
        thumbnails: Thumbnails,
        heat: Heat,
        settings: Settings,
    ) -> None:
        super().__init__(window)
        self.why = Why(session, self)
        self.page = WhyPage(self.why, thumbnails, settings)
        self.saving = Saving(session.link.client, settings, thumbnails, actions.say, self)
        self._window = window
        self._session = session
        self._say = actions.say
        self._heat = heat
        self._heat_was_off = False
        self._seeking: Request | None = None
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(_REST_MS)
        self._resting.timeout.connect(self._light_regions)
        self._word = -1
        tip = "Why this clip has its rank: words, frames and the parts of its score"
        window.inspector.add_page(NAME, "Why", self.page, tip)
        self.page.clip_chosen.connect(self.look_at)
        self.page.save_asked.connect(self.choose_place)
        self.why.explained_changed.connect(self._show_frames)
        self.why.word_lit.connect(self._on_word)
        window.grid.menu_asked.connect(self._fill_clip_menu)
        window.sidebar.video_menu_asked.connect(self._fill_video_menu)
        window.query_bar.clip_dropped.connect(self.explain_clip)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """The functions of the commands that belong to the tab."""
        return {
            "show_why": self.show_why,
            "why_not": self.why_not,
            "why_not_other": self.choose_clip,
            "save_explanation": self.choose_place,
        }

    # --- ways to the tab -----------------------------------------------------------------------------

    def show_why(self) -> None:
        """Bring the tab to the front."""
        if self.page.hit is None:
            self._say("info", "Select a clip first: the tab Why explains its rank.")
            return
        self._window.inspector.show()
        self._window.inspector.show_page(NAME)

    def why_not(self) -> None:
        """Look for the reasons why the clip in the inspector is not higher."""
        self.show_why()
        if self.page.hit is not None:
            self._look_for_rank()

    def _look_for_rank(self) -> None:
        self.why.ask_rank()
        self.page.bring_rank()

    def look_at(self, hit: Hit) -> None:
        """Show a clip in the inspector, and in the grid where it is among the results."""
        grid = self._window.grid
        row = grid.hits.row_of(hit.clip_id)
        if row >= 0:
            grid.select_row(row)
        else:
            grid.selectionModel().clear()
            self._window.inspector.show_hit(hit, self._session.query)
        self._window.inspector.show()
        self._window.inspector.show_page(NAME)

    def explain_clip(self, clip_id: int) -> None:
        """Why any clip of the library, found or not, stands where it does for the query in force."""
        if not self._session.query or self._session.ranked is None:
            self._say("info", "Type a query first: a rank is a clip's place in the answer to one.")
            return
        hits = self._window.grid.hits
        hit = hits.hit(hits.row_of(clip_id))
        if hit is not None:
            self.look_at(hit)
            self._look_for_rank()
            return
        if self._seeking is not None:
            self._seeking.cancel()
        request = self._seeking = ask_rank(self._session, self._session.query, clip_id)
        request.answered.connect(lambda told: self._on_found(request, told))
        request.failed.connect(lambda failure: self._say("error", failure.sentence, failure.detail))
        request.finished.connect(lambda: self._over(request))

    def _on_found(self, request: Request, told: RankExplained) -> None:
        """The clip's ranks are known: show it, and let the tab look for the rest."""
        if self._seeking is request:
            self._seeking = None
            request.cancel()
            self.look_at(told.hit)
            self._look_for_rank()

    def _over(self, request: Request) -> None:
        if self._seeking is request:
            self._seeking = None

    def choose_clip(self, name: str = "") -> None:
        """Ask for a clip by its file's name."""
        if self._session.library is None:
            self._say("info", "Open a library first.")
            return
        dialog = PickClip(self._session.link.client, name, self._window)
        dialog.picked.connect(self._on_picked)
        dialog.open()

    def _on_picked(self, place: ClipPlace) -> None:
        self.explain_clip(place.clip_id)

    def _fill_clip_menu(self, hit: Hit, menu: QMenu) -> None:
        menu.addAction("Why this clip?").triggered.connect(lambda: self.look_at(hit))
        menu.addAction("Why not higher?").triggered.connect(lambda: self.explain_clip(hit.clip_id))

    def _fill_video_menu(self, name: str, menu: QMenu) -> None:
        menu.addAction("Why are its clips not higher?").triggered.connect(lambda: self.choose_clip(name))

    # --- frames and regions --------------------------------------------------------------------------

    def _show_frames(self) -> None:
        explained = self.why.explained
        self._window.inspector.strip.show_frames(explained.frames if explained is not None else ())

    def _on_word(self, number: int) -> None:
        """A word is pointed at: its frames at once, its regions when the pointer rests."""
        self._word = number
        explained = self.why.explained
        similarity = explained.words[number].similarity if explained is not None and number >= 0 else ()
        inspector = self._window.inspector
        for part in (inspector.strip, inspector.player.timeline):
            part.light(lit(similarity))
        if number >= 0:
            self._resting.start()
            return
        self._resting.stop()
        self._heat.show_phrase(None)
        if self._heat_was_off:
            self._heat_was_off = False
            self._heat.on = False

    def _light_regions(self) -> None:
        explained = self.why.explained
        if explained is None or not 0 <= self._word < len(explained.words):
            return
        word = explained.words[self._word]
        if word.cut or is_small(word.text):
            return
        self._heat.show_phrase(word.text)
        if not self._heat.on:
            self._heat_was_off = True
            self._heat.on = True

    # --- saving --------------------------------------------------------------------------------------

    def choose_place(self) -> None:
        """Ask where the explanation goes, and write it."""
        hit = self.page.hit
        if hit is None or self.why.explained is None:
            self._say("info", "There is no explanation to save yet: select a clip.")
            return
        stem = Path(formats.file_name(hit.video)).stem
        path, _ = QFileDialog.getSaveFileName(
            self._window, "Save the explanation", f"why_{stem}.html", "HTML (*.html)"
        )
        if path:
            self.save(path)

    def save(self, path: str) -> None:
        """Write every tab's report and the heatmap as one page, and the same as a picture beside it."""
        library = self._session.library
        if library is not None:
            self.saving.begin(path, self._window.inspector.pages, self.page, self._heat, library)
