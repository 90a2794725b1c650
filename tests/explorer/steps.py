"""What a test does at the window, and what it waits for."""

from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent
from PySide6.QtWidgets import QApplication


def searched(qtbot, explorer) -> None:
    qtbot.waitUntil(lambda: explorer.session.ranked is not None and not explorer.session.searching)


def opened(qtbot, explorer) -> None:
    qtbot.waitUntil(lambda: explorer.session.library is not None)


def order(explorer) -> list[int]:
    grid = explorer.window.grid
    return [grid.hits.hit(row).clip_id for row in range(grid.hits.rowCount())]


def point_at(explorer, row: int, part: float = 0.5) -> None:
    """Put the mouse on a card, at `part` of its width."""
    grid = explorer.window.grid
    rect = grid.visualRect(grid.hits.index(row))
    spot = QPointF(rect.left() + rect.width() * part, rect.center().y())
    move_to(explorer, spot)


def move_to(explorer, spot: QPointF) -> None:
    view = explorer.window.grid.viewport()
    none = Qt.MouseButton.NoButton
    move = QMouseEvent(
        QEvent.Type.MouseMove, spot, view.mapToGlobal(spot), none, none, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(view, move)


def leave_grid(explorer) -> None:
    QApplication.sendEvent(explorer.window.grid.viewport(), QEvent(QEvent.Type.Leave))


def drop(explorer, *paths: str) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    window, middle = explorer.window, QPoint(300, 300)
    copy, none, keys = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window, QDragEnterEvent(middle, copy, data, none, keys))
    assert window._veil is not None
    QApplication.sendEvent(window, QDropEvent(QPointF(middle), copy, data, none, keys))
    assert window._veil is None
