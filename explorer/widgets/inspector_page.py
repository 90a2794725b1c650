"""What a tab of the inspector is: it shows one clip's side, and works only while somebody looks at it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from core.protocol import Hit


class InspectorPage(QWidget):
    """A tab's content. The subject is a query and one of its hits.

    A page is told its subject at once and asks the engine for it only when it is in front: `fill` is called
    then, and again whenever the subject changed meanwhile.

    Signals:
        time_chosen(time_s): the player should go there (seconds in the file).
        query_chosen(text): this query should run.
        said(level, sentence): something for the message bar.
    """

    time_chosen = Signal(float)
    query_chosen = Signal(str)
    said = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.query = ""
        self.hit: Hit | None = None
        self._stale = True

    def show_subject(self, query: str, hit: Hit | None) -> None:
        """Take up a query and a clip. A new rank of the same clip for the same query leaves what is shown."""
        same = query == self.query and _clip(hit) == _clip(self.hit)
        self.query, self.hit = query, hit
        if same and not self._stale:
            return
        self._stale = True
        self.drop()
        if self.isVisible():
            self._fill()

    def reload(self) -> None:
        """Ask again (a new engine came up, or the library changed)."""
        self._stale = True
        if self.isVisible():
            self._fill()

    @property
    def ready(self) -> bool:
        """Whether everything of the subject is on screen."""
        return True

    def show_time(self, time_s: float) -> None:
        """Where the player is."""

    def fill(self) -> None:
        """Show the subject; `self.hit` is None where there is none. Called in front only."""
        raise NotImplementedError

    def drop(self) -> None:
        """Cancel what is on its way for the subject before."""

    def gather(self) -> None:
        """Ask for the subject also while another tab is in front: somebody wants the page's report."""
        if self._stale:
            self._fill()

    def report(self) -> str:
        """What the tab shows, as a piece of an HTML page with every text escaped; "" if there is nothing."""
        return ""

    def retint(self) -> None:
        """The theme changed."""

    def _fill(self) -> None:
        self._stale = False
        self.fill()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._fill()


def _clip(hit: Hit | None) -> int:
    return hit.clip_id if hit is not None else -1
