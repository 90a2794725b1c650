"""The heart of the window: hits in a rank-preserving grid, four columns by default.

When the rerank arrives the cards glide to their new places, except the one under the pointer: it keeps its
cell until the pointer leaves the grid, wears a pin while it is away from its rank's place, and then follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import (
    QEasingCurve,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QSize,
    Qt,
    QVariantAnimation,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QListView, QMenu

from core.protocol import THUMBNAIL_TILES, Hit
from explorer import theme
from explorer.models.hits import HitRole, HitsModel
from explorer.models.thumbnails import Thumbnails
from explorer.widgets.card_delegate import GAP, CardDelegate, cell_size

NARROWEST_CARD: Final = 168
_GLIDE_MS: Final = 220


class ResultsGrid(QListView):
    """Shows a HitsModel.

    Signals:
        hit_selected(hit): the current card changed (None: no card is current).
        hit_opened(hit): double click, or Enter.
        menu_asked(hit, menu): a card's menu is about to open; whoever has something to offer adds it.
    """

    hit_selected = Signal(object)
    hit_opened = Signal(object)
    menu_asked = Signal(object, QMenu)

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self.setObjectName("hits")
        self.setAccessibleName("Ranked clips")
        self.hits = HitsModel(self)
        self.columns = 4
        self._thumbnails = thumbnails
        self._cards = CardDelegate(thumbnails)
        self._pointer: QPoint | None = None
        self._quiet = False
        self._glide = QVariantAnimation(self)
        self._glide.setDuration(_GLIDE_MS)
        self._glide.setStartValue(1.0)
        self._glide.setEndValue(0.0)
        self._glide.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._travel: dict[int, QPoint] = {}
        self._glide.valueChanged.connect(self._on_glide)
        self._glide.finished.connect(self._stop_glide)
        self.setModel(self.hits)
        self.setItemDelegate(self._cards)
        self._set_up_view()
        thumbnails.strip_ready.connect(self._on_strip)

    def _set_up_view(self) -> None:
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setDragEnabled(True)  # a static view drags nothing of itself
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setMouseTracking(True)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setViewportMargins(GAP // 2 + 4, 0, 0, 0)
        self.doubleClicked.connect(lambda index: self.hit_opened.emit(index.data(HitRole.HIT)))

    # --- what is shown -------------------------------------------------------------------------------

    def show_ranking(
        self,
        hits: tuple[Hit, ...],
        *,
        same_query: bool,
        keep_selected: bool = False,
        more: Mapping[int, int] | None = None,
        likely: int | None = None,
    ) -> None:
        """Show a ranking; of the same query, the card under the pointer and the place in the list stay.

        `more` tells by clip how many further hits of its video are left out; past the rank `likely` clips probably
        do not match.
        """
        self._cards.more = dict(more or {})
        current = self.current_hit()
        before = self._visible_places() if same_query else {}
        scrolled = self.verticalScrollBar().value()
        self._quiet = True
        hold_row = self._row_under_pointer() if same_query else -1
        self.hits.show_ranking(hits, hold_row=hold_row, likely=likely)
        self.doItemsLayout()
        if same_query:
            self.verticalScrollBar().setValue(scrolled)
        else:
            self.scrollToTop()
        self._restore(current if keep_selected else None)
        self._quiet = False
        if self.current_hit() != current:  # none any more, or one with another rank
            self.hit_selected.emit(self.current_hit())
        self._follow_pointer()
        self._start_glide(before)

    def set_by_time(self, by_time: bool) -> None:
        """The cards in the order of videos and time, or in that of rank; the current card stays current, in view."""
        before, current = self._visible_places(), self.current_hit()
        self._quiet = True
        self.hits.set_by_time(by_time)
        self.doItemsLayout()
        self._restore(current)
        self._quiet = False
        self.scrollToTop()
        if current is not None:
            self.scrollTo(self.currentIndex())
        self._follow_pointer()
        self._start_glide(before)

    def release(self) -> None:
        """The pointer left: a held card goes to its own place."""
        if self.hits.holding:
            before, current = self._visible_places(), self.current_hit()
            self._quiet = True
            self.hits.release()
            self._restore(current)
            self._quiet = False
            self._start_glide(before)

    def current_hit(self) -> Hit | None:
        """The hit of the current card."""
        return self.hits.hit(self.currentIndex().row())

    def select_row(self, row: int) -> None:
        """Make a row current and show it."""
        index = self.hits.index(row)
        if index.isValid():
            self.setCurrentIndex(index)

    def select_best(self) -> None:
        """Select rank 1, unless the person has chosen a clip or scrolled on already."""
        if self.current_hit() is None and self.verticalScrollBar().value() == 0 and self.hits.ranking:
            self.select_row(self.hits.row_of(self.hits.ranking[0].clip_id))

    def show_verdicts(self, verdicts: dict[int, str]) -> None:
        """What people said of the clips for this query."""
        self._cards.verdicts = verdicts
        self.viewport().update()

    def set_columns(self, columns: int) -> None:
        """As many columns as fit, at most `columns`."""
        self.columns = columns
        self._fit()

    def _restore(self, hit: Hit | None) -> None:
        row = self.hits.row_of(hit.clip_id) if hit is not None else -1
        if row != self.currentIndex().row():
            selection = self.selectionModel()
            flag = selection.SelectionFlag.ClearAndSelect
            if row >= 0:
                selection.setCurrentIndex(self.hits.index(row), flag)
            else:
                selection.clear()

    def currentChanged(
        self, current: QModelIndex | QPersistentModelIndex, previous: QModelIndex | QPersistentModelIndex
    ) -> None:
        if not self._quiet:
            super().currentChanged(current, previous)
            self.hit_selected.emit(self.current_hit())

    # --- layout --------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        width = self.viewport().width() - 2
        columns = max(1, min(self.columns, width // NARROWEST_CARD))
        size = cell_size(width // columns)
        if size != self.gridSize():
            top = self.indexAt(QPoint(GAP, GAP))
            self.setGridSize(size)
            self.verticalScrollBar().setSingleStep(size.height() // 3)
            if top.isValid() and top.row() > 0:
                self.scrollTo(top, QAbstractItemView.ScrollHint.PositionAtTop)

    def viewportSizeHint(self) -> QSize:
        return QSize(4 * NARROWEST_CARD, 400)

    # --- the pointer ---------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._pointer = event.position().toPoint()
        self._follow_pointer()

    def wheelEvent(self, event: QWheelEvent) -> None:
        super().wheelEvent(event)
        self._pointer = event.position().toPoint()
        self._follow_pointer()

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self._pointer = None
            self._follow_pointer()
            self.release()
        return super().viewportEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.ignore()  # the command table decides what Enter does
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        hit = self.hits.hit(index.row())
        if hit is None:
            return
        menu = QMenu(self)
        self.menu_asked.emit(hit, menu)
        menu.aboutToHide.connect(menu.deleteLater)
        spot = self.visualRect(index).center() if by_key else event.pos()
        menu.popup(self.viewport().mapToGlobal(spot))

    def _row_under_pointer(self) -> int:
        return self.indexAt(self._pointer).row() if self._pointer is not None else -1

    def _follow_pointer(self) -> None:
        """Scrub the card under the pointer: its width is the clip's length."""
        row = self._row_under_pointer()
        hit = self.hits.hit(row)
        clip, tile = (hit.clip_id, self._tile_at(row)) if hit is not None else (0, -1)
        if (clip, tile) != (self._cards.hovered_clip, self._cards.hovered_tile):
            old = self._cards.hovered_clip
            self._cards.hovered_clip, self._cards.hovered_tile = clip, tile
            for changed in {old, clip}:
                self._on_strip(changed)

    def _tile_at(self, row: int) -> int:
        card = self.visualRect(self.hits.index(row)).adjusted(GAP // 2, GAP // 2, -GAP // 2, -GAP // 2)
        pointer = self._pointer
        if pointer is None or not card.contains(pointer):
            return -1
        return min(THUMBNAIL_TILES - 1, (pointer.x() - card.left()) * THUMBNAIL_TILES // card.width())

    # --- painting ------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        row = self.hits.first_unlikely
        if row > 0:
            self._paint_cut(self.visualRect(self.hits.index(row)))

    def _paint_cut(self, first: QRect) -> None:
        """A hairline in the gaps between the cards that may match and those, from `first` on, that hardly do."""
        left, right = 0, self.viewport().width()
        path = QPainterPath(QPointF(right, first.top() + 0.5))
        path.lineTo(first.left() + 0.5, first.top() + 0.5)
        if first.left() > left + GAP:  # it does not begin its line
            path.lineTo(first.left() + 0.5, first.bottom() + 0.5)
            path.lineTo(left, first.bottom() + 0.5)
        painter = QPainter(self.viewport())
        painter.setPen(QPen(theme.color("text_3"), 1))
        painter.drawPath(path)
        painter.end()

    def _visible_places(self) -> dict[int, QPoint]:
        screen = self.viewport().rect()
        places: dict[int, QPoint] = {}
        first = self.indexAt(QPoint(GAP, GAP))
        for row in range(max(0, first.row() - self.columns), self.hits.rowCount()):
            rect = self.visualRect(self.hits.index(row))
            hit = self.hits.hit(row)
            if rect.top() > screen.bottom():
                break
            if hit is not None and rect.intersects(screen):
                places[hit.clip_id] = rect.topLeft()
        return places

    def _on_strip(self, clip_id: int) -> None:
        row = self.hits.row_of(clip_id)
        if row >= 0:
            self.viewport().update(self.visualRect(self.hits.index(row)))

    def _start_glide(self, before: dict[int, QPoint]) -> None:
        after = self._visible_places()
        self._travel = {
            clip: before[clip] - place
            for clip, place in after.items()
            if clip in before and before[clip] != place
        }
        if self._travel and self.isVisible():
            self._glide.stop()
            self._glide.start()

    def _on_glide(self, left: float) -> None:
        self._cards.offsets = {clip: (way.x() * left, way.y() * left) for clip, way in self._travel.items()}
        self.viewport().update()

    def _stop_glide(self) -> None:
        self._travel = {}
        self._cards.offsets = {}
        self.viewport().update()
