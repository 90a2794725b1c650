"""The main window: where the panels stand. What they do is wired in `explorer.app`."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QByteArray, QMimeData, QRect, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QFont,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from explorer import icons, theme
from explorer.jobs import Jobs
from explorer.models.frames import Frames
from explorer.models.heat import Heat
from explorer.models.thumbnails import Thumbnails
from explorer.settings import Settings
from explorer.widgets.banner import Banners
from explorer.widgets.empty_state import EmptyState
from explorer.widgets.inspector import Inspector
from explorer.widgets.jobs_strip import JobsStrip
from explorer.widgets.query_bar import QueryBar
from explorer.widgets.results_grid import ResultsGrid
from explorer.widgets.results_header import ResultsHeader
from explorer.widgets.sidebar import Sidebar

SIDEBAR_WIDTH: Final = 232
NARROWEST_INSPECTOR: Final = 352
WIDEST_INSPECTOR: Final = 640


class DropVeil(QWidget):
    """Lies over the window while footage is dragged in and says what a drop will do."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), theme.color("window", 0.86))
        painter.setPen(QPen(theme.color("accent"), 2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(self.rect().adjusted(24, 24, -24, -24), 16, 16)
        middle = self.rect().center()
        painter.drawPixmap(middle.x() - 24, middle.y() - 64, icons.pixmap("drop", 48, "accent", ratio=2))
        painter.setPen(theme.color("text"))
        painter.setFont(theme.font("headline", QFont.Weight.DemiBold))
        line = QRect(0, middle.y() + 8, self.width(), 32)
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, "Drop to add this footage")
        painter.setPen(theme.color("text_2"))
        painter.setFont(theme.font("body"))
        line.translate(0, 32)
        painter.drawText(
            line,
            Qt.AlignmentFlag.AlignCenter,
            "Files stay where they are; only vectors and thumbnails are kept.",
        )


class MainWindow(QMainWindow):
    """Panels in their places.

    Signals:
        paths_dropped(paths): files or folders were dropped.
        page_changed(name): another page is in front.
        closing(): the person closes the window.
    """

    paths_dropped = Signal(tuple)
    page_changed = Signal(str)
    closing = Signal()

    def __init__(
        self, settings: Settings, jobs: Jobs, thumbnails: Thumbnails, frames: Frames, heat: Heat
    ) -> None:
        super().__init__()
        self.setWindowTitle("Drivescope")
        self.setWindowIcon(icons.app_icon())
        self.setAcceptDrops(True)
        self._settings = settings
        self.query_bar = QueryBar(settings)
        self.sidebar = Sidebar()
        self.banners = Banners()
        self.header = ResultsHeader()
        self.grid = ResultsGrid(thumbnails)
        self.empty = EmptyState()
        self.inspector = Inspector(frames, thumbnails, heat, settings)
        self.jobs_strip = JobsStrip(jobs)
        self._middle = QStackedWidget()
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._pages = QStackedWidget()
        self._page_names: list[str] = []
        self._page_tops: list[QVBoxLayout] = []
        self._whole = QWidget()
        self._full: QWidget | None = None
        self._was_maximised = False
        self._veil: DropVeil | None = None
        self._lay_out()

    def _lay_out(self) -> None:
        results = QWidget()
        results.setObjectName("results")
        column = QVBoxLayout(results)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self.grid, 1)
        self._middle.addWidget(self.empty)
        self._middle.addWidget(results)
        centre = QWidget()
        centre.setObjectName("centre")
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banners)
        column.addWidget(self._middle, 1)
        self._page_names.append("explore")
        self._page_tops.append(column)
        centre.setMinimumWidth(360)
        self.sidebar.setMinimumWidth(200)
        self.inspector.setMinimumWidth(NARROWEST_INSPECTOR)
        for place, (panel, stretch) in enumerate(((self.sidebar, 0), (centre, 1), (self.inspector, 0))):
            self._splitter.addWidget(panel)
            self._splitter.setStretchFactor(place, stretch)
            self._splitter.setCollapsible(place, False)
        self._splitter.setHandleWidth(1)
        self._pages.addWidget(self._splitter)
        self.query_bar.page_chosen.connect(self.show_page)
        self._splitter.splitterMoved.connect(lambda _place, _handle: self._align())
        column = QVBoxLayout(self._whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.query_bar)
        column.addWidget(self._pages, 1)
        column.addWidget(self.jobs_strip)
        self.setCentralWidget(self._whole)
        self.setMinimumSize(900, 560)

    # --- pages ---------------------------------------------------------------------------------------

    def add_page(self, name: str, page: QWidget) -> None:
        """One more page beside Explore; the message bar goes along with the page in front."""
        around = QWidget()
        column = QVBoxLayout(around)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(page, 1)
        self._page_names.append(name)
        self._page_tops.append(column)
        self._pages.addWidget(around)

    @property
    def page(self) -> str:
        """The page in front."""
        return self._page_names[self._pages.currentIndex()]

    def show_page(self, name: str) -> None:
        """Bring a page to the front."""
        place = self._page_names.index(name)
        self.query_bar.show_page(name)
        if place != self._pages.currentIndex():
            self._page_tops[place].insertWidget(0, self.banners)
            self._pages.setCurrentIndex(place)
            self.page_changed.emit(name)

    # --- places --------------------------------------------------------------------------------------

    def show_results(self, *, there: bool) -> None:
        """The grid, or the empty state."""
        self._middle.setCurrentIndex(1 if there else 0)

    @property
    def showing_results(self) -> bool:
        """Whether the grid is in front."""
        return self._middle.currentIndex() == 1

    def restore_places(self, size: tuple[int, int] | None) -> None:
        """The size and panels of last time, or sensible ones for this screen."""
        stored = QByteArray.fromBase64(QByteArray(self._settings.text("window/geometry").encode()))
        if size is not None:
            self.resize(*size)
        elif stored.isEmpty() or not self.restoreGeometry(stored):
            screen = self.screen().availableGeometry()
            self.resize(min(1600, round(screen.width() * 0.9)), min(1000, round(screen.height() * 0.9)))
        self.sidebar.setVisible(self._settings.flag("window/sidebar"))
        self.inspector.setVisible(self._settings.flag("window/inspector"))
        state = QByteArray.fromBase64(QByteArray(self._settings.text("window/state").encode()))
        if size is not None or state.isEmpty() or not self._splitter.restoreState(state):
            self._spread(self.width())

    def _spread(self, width: int) -> None:
        inspector = min(max(round(width * 0.26), NARROWEST_INSPECTOR), WIDEST_INSPECTOR)
        self._splitter.setSizes([SIDEBAR_WIDTH, width - SIDEBAR_WIDTH - inspector, inspector])

    def remember_places(self) -> None:
        """For next time."""
        encoded = {"window/geometry": self.saveGeometry(), "window/state": self._splitter.saveState()}
        for key, value in encoded.items():
            self._settings.set(key, bytes(value.toBase64().data()).decode())

    def toggle_sidebar(self) -> None:
        """Show or hide the left panel of the Explore page."""
        self._toggle(self.sidebar, "window/sidebar")

    def toggle_inspector(self) -> None:
        """Show or hide the right panel of the Explore page."""
        self._toggle(self.inspector, "window/inspector")

    def _align(self) -> None:
        self.query_bar.stand_over(0 if self.sidebar.isHidden() else self._splitter.sizes()[0])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._align()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._align()

    def _toggle(self, panel: QWidget, key: str) -> None:
        if self.page != "explore":
            self.show_page("explore")
            return
        panel.setVisible(panel.isHidden())
        self._align()
        self._settings.set(key, not panel.isHidden())

    # --- full screen ---------------------------------------------------------------------------------

    @property
    def player_is_full(self) -> bool:
        """Whether the player fills the screen."""
        return self._full is not None

    def toggle_full_screen(self) -> None:
        """The player over the whole window, which takes the whole screen; or back."""
        if self._full is None:
            self._enter_full_screen()
        else:
            self._leave_full_screen(self._full)

    def _enter_full_screen(self) -> None:
        player = self.inspector.take_player()
        self._full = QWidget()
        self._full.setObjectName("fullScreen")
        self._full.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QHBoxLayout(self._full)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(player)
        player.set_full_screen(full=True)
        self.takeCentralWidget()
        self._whole.setParent(self)
        self._whole.hide()
        self._was_maximised = self.isMaximized()
        self.setCentralWidget(self._full)
        self.showFullScreen()
        player.show()
        player.setFocus()

    def _leave_full_screen(self, full: QWidget) -> None:
        player = self.inspector.player
        player.set_full_screen(full=False)
        self.inspector.return_player()
        player.show()
        self.takeCentralWidget()
        full.deleteLater()
        self._full = None
        self.setCentralWidget(self._whole)
        self._whole.show()
        if self._was_maximised:
            self.showMaximized()
        else:
            self.showNormal()
        self.grid.setFocus()

    # --- drag and drop -------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_paths(event.mimeData()):
            event.acceptProposedAction()
            self._veil = DropVeil(self)
            self._veil.setGeometry(self.rect())
            self._veil.show()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._lift_veil()

    def dropEvent(self, event: QDropEvent) -> None:
        self._lift_veil()
        paths = local_paths(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self.paths_dropped.emit(paths)

    def _lift_veil(self) -> None:
        if self._veil is not None:
            self._veil.deleteLater()
            self._veil = None

    def closeEvent(self, event: QCloseEvent) -> None:
        self.closing.emit()
        super().closeEvent(event)


def local_paths(data: QMimeData) -> tuple[str, ...]:
    """The files and folders in a drag, as paths of this machine."""
    return tuple(url.toLocalFile() for url in data.urls() if url.isLocalFile())
