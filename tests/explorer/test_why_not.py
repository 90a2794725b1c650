"""Why not that clip: the ways to ask, what is told, and what a person can do with it."""

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QMenu

from core.protocol import Filters, FindClips, GetRank
from explorer.models.hits import CLIP_MIME
from explorer.widgets.why_dialog import PickClip
from tests.explorer.conftest import WHY_QUERY as QUERY

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing|propagateSizeHints)")


def test_why_not_tells_and_its_change_can_be_tried(qtbot, engine, at_why):
    explorer = at_why(f"{QUERY} clear", row=20)
    page, why = explorer.why.page, explorer.why.why
    explorer.commands.action("why_not").trigger()
    qtbot.waitUntil(lambda: why.rank is not None and why.rank.last)
    assert page.why_not._place.text().endswith("X-CLIP ranks it 21.")
    assert [row.text for row in page.why_not._lacks.rows] == [
        row.text for row in sorted(why.rank.missing, key=lambda row: row.here - row.above)
    ]
    qtbot.waitUntil(lambda: bool(why.unmet))
    assert page.why_not._unmet.text() == "“clear” is contradicted: The clip shows rain instead."
    row = page.why_not._changes.itemAt(0).widget()
    assert row.text() == "without “turning”: rank 4"
    row.click()
    qtbot.waitUntil(lambda: why.preview is not None)
    assert why.changed == "a red car left at night clear"
    above = page.why_not._above_flow.itemAt(0).widget()
    above.click()
    assert explorer.window.grid.current_hit().rank == 1
    assert explorer.why.why.hit.rank == 1


def test_looking_for_reasons_can_be_stopped(qtbot, engine, at_why):
    explorer = at_why(row=20)
    engine.hold(GetRank)
    explorer.why.why.ask_rank()
    assert explorer.why.page.why_not._busy.isVisible()
    explorer.why.page.why_not._stop.click()
    qtbot.waitUntil(lambda: not explorer.why.page.why_not._busy.isVisible())
    assert explorer.why.page.why_not._ask.isVisible()


def test_a_card_dropped_on_the_query_is_explained(qtbot, engine, at_why):
    explorer = at_why()
    grid, bar = explorer.window.grid, explorer.window.query_bar
    data = grid.hits.mimeData([grid.hits.index(30)])
    clip = grid.hits.hit(30).clip_id
    assert bytes(data.data(CLIP_MIME).data()).decode() == str(clip)
    assert grid.hits.flags(grid.hits.index(30)) & Qt.ItemFlag.ItemIsDragEnabled
    drop(bar, data)
    qtbot.waitUntil(lambda: explorer.why.why.rank is not None and explorer.why.why.rank.last)
    assert explorer.why.why.hit.clip_id == clip
    assert explorer.window.inspector.page_name == "why"
    assert bar.text == QUERY
    page = explorer.why.page
    qtbot.waitUntil(lambda: 0 <= page.why_not.mapTo(page.parentWidget(), QPoint(0, 0)).y() < 300)


def drop(bar, data: QMimeData) -> None:
    middle, copy = QPointF(bar.rect().center()), Qt.DropAction.CopyAction
    keys, left = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    QApplication.sendEvent(bar, QDragEnterEvent(middle.toPoint(), copy, data, left, keys))
    QApplication.sendEvent(bar, QDropEvent(middle, copy, data, left, keys))


def test_a_drop_that_is_no_clip_does_nothing(qtbot, engine, at_why):
    explorer = at_why()
    for text in (b"", b"x7", b"-3"):
        data = QMimeData()
        data.setData(CLIP_MIME, text)
        drop(explorer.window.query_bar, data)
    assert engine.asked(GetRank) == []


def test_a_clip_that_is_not_among_the_hits_is_found_by_name(qtbot, engine, at_why):
    explorer = at_why()
    explorer.session.set_filters(Filters(video_ids=(1,)))
    qtbot.waitUntil(lambda: explorer.window.grid.hits.rowCount() == 6)
    explorer.why.choose_clip("alpine")
    dialog = explorer.window.findChild(PickClip)
    qtbot.waitUntil(lambda: bool(dialog.clips))
    assert engine.asked(FindClips)[-1].name_contains == "alpine"
    assert all("alpine" in clip.video for clip in dialog.clips)
    wanted = dialog.clips[0].clip_id
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: explorer.why.why.rank is not None and explorer.why.why.rank.last)
    assert explorer.why.why.hit.clip_id == wanted
    assert explorer.window.inspector.page_name == "why"
    assert explorer.window.grid.current_hit() is None


def test_the_menus_of_cards_and_videos_lead_here(qtbot, engine, at_why):
    explorer = at_why()
    grid = explorer.window.grid
    spot = grid.visualRect(grid.hits.index(1)).center()
    reason = QContextMenuEvent.Reason.Mouse
    QApplication.sendEvent(
        grid.viewport(), QContextMenuEvent(reason, spot, grid.viewport().mapToGlobal(spot))
    )
    menu = grid.findChild(QMenu)
    actions = {action.text(): action for action in menu.actions()}
    actions["Why not higher?"].trigger()
    qtbot.waitUntil(lambda: explorer.why.why.rank is not None)
    assert explorer.why.why.hit.rank == 2
    menu.close()
    side = explorer.window.sidebar
    row = side._list.visualRect(side.videos.index(0)).center()
    side._list.customContextMenuRequested.emit(QPoint(row))
    menu = side.findChild(QMenu)
    (action,) = menu.actions()
    action.trigger()
    dialog = explorer.window.findChild(PickClip)
    assert dialog.field.text() == side.videos.index(0).data()
    dialog.reject()
    menu.close()
