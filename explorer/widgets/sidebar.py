"""The left panel: which library, and which of its videos are searched."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from core.protocol import Filters, LibraryInfo, VideoInfo
from explorer import formats, icons, theme
from explorer.models.videos import VideoRole, VideosModel
from explorer.session import DEMO, place
from explorer.widgets.flow import Flow
from explorer.widgets.parts import ElidedLabel, button, empty, label, lead, rule, tool

_ROW: Final = 30


class VideoDelegate(QStyledItemDelegate):
    """A row: check box, name, number of clips. A click anywhere on it checks it."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(120, _ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        video = index.data(VideoRole.VIDEO)
        if not isinstance(video, VideoInfo):
            return
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_MouseOver or state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("hover"))
            painter.drawRoundedRect(QRectF(rect), theme.RADIUS["m"], theme.RADIUS["m"])
        checked = index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
        self._paint_box(painter, QRectF(rect.left() + 8, rect.center().y() - 7, 15, 15), checked=checked)
        self._paint_text(painter, rect.adjusted(32, 0, -8, 0), video)
        painter.restore()

    def editorEvent(
        self,
        event: QEvent,
        model: QAbstractItemModel,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> bool:
        pressed = isinstance(event, QKeyEvent) and event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return)
        if isinstance(model, VideosModel) and (event.type() == QEvent.Type.MouseButtonRelease or pressed):
            model.toggle(index)
            return True
        return False

    def _paint_box(self, painter: QPainter, box: QRectF, *, checked: bool) -> None:
        painter.setPen(QPen(theme.color("accent" if checked else "line_strong"), 1))
        painter.setBrush(theme.color("accent" if checked else "raised"))
        painter.drawRoundedRect(box, theme.RADIUS["s"], theme.RADIUS["s"])
        if checked:
            painter.drawPixmap(box.toRect(), icons.pixmap("check", 15, "on_accent", ratio=2))

    def _paint_text(self, painter: QPainter, rect: QRect, video: VideoInfo) -> None:
        number = f"{video.clips:,}"
        painter.setFont(theme.font("small", tabular=True))
        painter.setPen(theme.color("warning" if video.missing else "text_3"))
        painter.drawText(rect, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number)
        width = rect.width() - QFontMetrics(painter.font()).horizontalAdvance(number) - 8
        painter.setFont(theme.font("body", QFont.Weight.Normal))
        painter.setPen(theme.color("text_2"))
        name = QFontMetrics(painter.font()).elidedText(video.name, Qt.TextElideMode.ElideMiddle, width)
        painter.drawText(rect, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)


class Sidebar(QWidget):
    """Libraries and filters.

    Signals:
        library_chosen(path): open this one (the demo by its word).
        footage_asked(): choose footage to add.
        library_asked(): choose a library to open.
        failures_asked(): show the files that could not be read.
        filters_changed(filters): which clips may be ranked.
        video_menu_asked(name, menu): a video's menu is about to open; whoever has something to offer adds it.
    """

    library_chosen = Signal(str)
    footage_asked = Signal()
    library_asked = Signal()
    failures_asked = Signal()
    filters_changed = Signal(object)
    video_menu_asked = Signal(str, QMenu)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("sidebar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.videos = VideosModel(self)
        self._place: tuple[str, str] | None = None
        self._name = ElidedLabel("No library", "title")
        self._counts = label("Open one, or add footage to make one.", "secondary", wrap=True)
        self._chips = QWidget()
        self._chip_row = Flow(self._chips, spacing=4)
        self._failures = button("", "warning", role="link", on_click=self.failures_asked.emit)
        self._recent = QVBoxLayout()
        self._filter = QLineEdit()
        self._these = button("", role="link", on_click=self._search_shown)
        self._list = QListView()
        self._chosen_text = label("", "quiet")
        self._all = button("Search all", role="link", on_click=lambda: self.videos.choose(()))
        self._videos_part = QWidget()
        self._set_up()
        self.show_library(None)

    def _set_up(self) -> None:
        self._recent.setSpacing(0)
        self._filter.setPlaceholderText("Find a video by name")
        self._filter.setClearButtonEnabled(False)
        lead(self._filter, "filter")
        self._filter.textChanged.connect(self._on_narrowed)
        self._filter.returnPressed.connect(self._search_shown)
        self._list.setModel(self.videos)
        self._list.setItemDelegate(VideoDelegate(self._list))
        self._list.setMouseTracking(True)
        self._list.setUniformItemSizes(True)
        self._list.setAccessibleName("Videos to search in")
        self._list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._list.customContextMenuRequested.connect(self._open_menu)
        self.videos.chosen_changed.connect(self._on_chosen)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 16, 12, 12)
        column.setSpacing(8)
        column.addLayout(self._library_part())
        column.addWidget(rule())
        column.addWidget(self._lay_out_videos(), 1)
        column.addStretch(0)

    def _library_part(self) -> QVBoxLayout:
        part = QVBoxLayout()
        part.setSpacing(4)
        head = QHBoxLayout()
        head.addWidget(label("LIBRARY", "section"))
        head.addStretch(1)
        head.addWidget(tool("folder", "Open another library", self.library_asked.emit))
        part.addLayout(head)
        part.addWidget(self._name)
        part.addWidget(self._counts)
        part.addWidget(self._chips)
        part.addWidget(self._failures)
        part.addSpacing(4)
        part.addWidget(button("Add footage…", "folder-add", on_click=self.footage_asked.emit))
        part.addLayout(self._recent)
        return part

    def _lay_out_videos(self) -> QWidget:
        column = QVBoxLayout(self._videos_part)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(8)
        column.addWidget(label("VIDEOS", "section"))
        column.addWidget(self._filter)
        column.addWidget(self._these, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._list, 1)
        foot = QHBoxLayout()
        foot.addWidget(self._chosen_text, 1)
        foot.addWidget(self._all)
        column.addLayout(foot)
        return self._videos_part

    def show_library(self, library: LibraryInfo | None) -> None:
        """Name, counts, how its vectors were made, its videos."""
        self._videos_part.setVisible(library is not None and bool(library.videos))
        self._chips.setVisible(library is not None)
        self._failures.setVisible(library is not None and bool(library.failures))
        if library is None:
            return
        if place(library) != self._place:
            self._place = place(library)
            self._filter.clear()
            self.videos.choose(())
        self._name.setText(library.name)
        self._counts.setText(
            f"{formats.count(library.clips, 'clip')} from {formats.count(len(library.videos), 'video')}, "
            f"{formats.footage(library.video_seconds)}"
        )
        self._show_chips(library)
        self._failures.setText(f"{formats.count(len(library.failures), 'file')} not readable")
        self.videos.show_videos(library.videos)
        self._show_chosen()

    def show_opening(self, path: str) -> None:
        """Which library is on its way where none is open yet; "" where none is."""
        if self._place is not None:
            return
        name = "Demo library" if path == DEMO else Path(path).name
        self._name.setText(name or "No library")
        self._counts.setText("Being opened…" if path else "Open one, or add footage to make one.")

    def show_recent(self, paths: list[str], opened: str) -> None:
        """Other libraries, newest first; the demo is always among them."""
        empty(self._recent)
        others = [path for path in dict.fromkeys((*paths, DEMO)) if path != opened]
        for path in others[:5]:
            name = "Demo library" if path == DEMO else Path(path).name
            row = button(name, "library", role="row", on_click=partial(self.library_chosen.emit, path))
            row.setToolTip(
                "Sixty rendered driving clips that come with the program" if path == DEMO else path
            )
            self._recent.addWidget(row)

    def _show_chips(self, library: LibraryInfo) -> None:
        chips = []
        facts = (
            (library.bundle_label or library.bundle, f"Vectors made with {library.bundle}"),
            (library.crop, "How a frame is brought to the model's shape"),
        )
        for text, tip in facts:
            if text:
                chip = label(text, "chip")
                chip.setToolTip(tip)
                chips.append(chip)
        self._chip_row.replace(chips)

    def _open_menu(self, spot: QPoint) -> None:
        video = self._list.indexAt(spot).data(VideoRole.VIDEO)
        if isinstance(video, VideoInfo):
            menu = QMenu(self)
            self.video_menu_asked.emit(video.name, menu)
            menu.aboutToHide.connect(menu.deleteLater)
            menu.popup(self._list.viewport().mapToGlobal(spot))

    def _on_narrowed(self, needle: str) -> None:
        self.videos.narrow(needle)
        self._show_chosen()

    def _search_shown(self) -> None:
        """Restrict the search to the videos that the name left."""
        if self._filter.text().strip() and self.videos.shown:
            self.videos.choose(self.videos.shown)

    def _on_chosen(self, video_ids: tuple[int, ...]) -> None:
        self._show_chosen()
        self.filters_changed.emit(Filters(video_ids=video_ids))

    def _show_chosen(self) -> None:
        chosen = len(self.videos.chosen)
        if self.videos.rowCount() == 0:
            self._chosen_text.setText("No video has that name.")
        else:
            self._chosen_text.setText(
                f"Searching in {formats.count(chosen, 'video')}" if chosen else "All videos are searched"
            )
        self._all.setVisible(chosen > 0)
        shown = self.videos.shown
        narrowed = bool(self._filter.text().strip()) and bool(shown) and shown != self.videos.chosen
        self._these.setText(
            f"Search only {'these ' + format(len(shown), ',') if len(shown) > 1 else 'this one'}"
        )
        self._these.setVisible(narrowed)
