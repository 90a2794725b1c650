"""The tab "Skeleton" bound to the window: its key, its place among the tabs, and saving what it exports."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from core.protocol import SkeletonExported
from explorer import exports
from explorer.models.skeleton import Skeleton
from explorer.widgets.skeleton_page import SkeletonPage

if TYPE_CHECKING:
    from explorer.actions import Actions
    from explorer.session import Session
    from explorer.settings import Settings
    from explorer.widgets.main_window import MainWindow

NAME: Final = "skeleton"


class SkeletonTab(QObject):
    """Binds the skeletons to the window."""

    def __init__(self, window: MainWindow, session: Session, actions: Actions, settings: Settings) -> None:
        super().__init__(window)
        self.model = Skeleton(session, self)
        self.page = SkeletonPage(self.model)
        self._window = window
        self._say = actions.say
        self._settings = settings
        tip = "What the query asks for beside what the clip shows, slot by slot"
        window.inspector.add_page(NAME, "Skeleton", self.page, tip)
        self.model.exported.connect(self._on_exported)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """The functions of the commands that belong to the tab."""
        return {"show_skeleton": self.show_skeleton, "toggle_joint": self.toggle_joint}

    def toggle_joint(self) -> None:
        """Weigh skeletons into the rerank, or no longer."""
        on = not self._settings.flag("search/joint")
        self._settings.set("search/joint", on)
        told = "also counts how well each slot agrees" if on else "is X-CLIP's alone"
        self._say("info", f"The rerank {told}.")

    def show_skeleton(self) -> None:
        """Bring the tab to the front."""
        if self.page.hit is None:
            self._say("info", "Select a clip first: the tab Skeleton lays it beside the query.")
            return
        self._window.inspector.show()
        self._window.inspector.show_page(NAME)

    def _on_exported(self, answer: SkeletonExported) -> None:
        """Ask where the text goes, and write it."""
        path, _ = QFileDialog.getSaveFileName(
            self._window, "Save the clip's skeleton", answer.name, "JSON (*.json)"
        )
        if path:
            problem = exports.write_atomically(path, answer.text)
            self._say("error" if problem else "info", problem or f"Saved to {path}.")
