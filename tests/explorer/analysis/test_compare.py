"""One run against another on the Analyse page."""

import msgspec
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog

from core.protocol import CompareRuns, GetRuns
from tests.explorer.analysis.conftest import looked_at, settled

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")


def test_a_dot_of_the_plot_leads_to_its_queries(qtbot, engine, room):
    page, scatter = room.page, room.page.compare.scatter
    page._tabs.setCurrentIndex(5)
    qtbot.waitUntil(lambda: bool(scatter._dots))
    alone = next(
        dot
        for dot, rows in scatter._dots.items()
        if len(rows) == 1 and dot[0] != dot[1] and scatter.dot_at(scatter._spot(dot)) == dot
    )
    row = scatter._dots[alone][0]
    qtbot.mouseClick(scatter, Qt.MouseButton.LeftButton, pos=scatter._spot(alone).toPoint())
    looked_at(qtbot, room, row)
    crowd = max(scatter._dots, key=lambda dot: len(scatter._dots[dot]))
    qtbot.mouseClick(scatter, Qt.MouseButton.LeftButton, pos=scatter._spot(crowd).toPoint())
    assert page.queries.rowCount() == len(scatter._dots[crowd])
    assert scatter.dot_at(scatter._spot(crowd)) == crowd
    qtbot.mouseClick(scatter, Qt.MouseButton.LeftButton, pos=QPoint(scatter.width() - 2, 2))
    hurt = [row for row in room.analysis.rows if row.rank > row.first_rank]
    assert page.compare.which.tabText(0) == "Where reranking hurt"
    assert page.compare.pairs.rowCount() == len(hurt)
    page.compare.table.row_opened.emit(0)
    looked_at(qtbot, room, page.compare.pairs.row_at(0))


def test_two_runs_side_by_side_or_the_reason_why_not(qtbot, engine, room):
    page = room.page
    engine.received.clear()
    page.compare.against.activated.emit(page.compare._choices.index(("run-1", "")))
    qtbot.waitUntil(lambda: room.analysis.compared is not None)
    assert engine.asked(CompareRuns)[0].against == "run-1"
    assert page.compare.which.tabText(0) == "Worse now"
    assert "of 180 queries" in page.compare.summary.text().casefold()
    room.analysis.compare("run-old")
    qtbot.waitUntil(lambda: "ranked different clips" in page.compare.summary.text())
    room.analysis.open_run("run-1")
    settled(qtbot, room)
    assert page.table.isColumnHidden(1)  # one stage: no first rank, no change
    assert "choose another run" in page.compare.summary.text()


def test_a_run_of_another_library_is_compared_and_what_was_not_matched_is_told(
    qtbot, engine, room, monkeypatch
):
    panel, theirs = room.page.compare, "/libraries/other"
    engine.analysis.elsewhere[theirs] = [
        msgspec.structs.replace(engine.analysis.runs[0], run_id="theirs-2", name="openai-b32"),
        msgspec.structs.replace(
            engine.analysis.runs[0], run_id="theirs-1", name="bad", problem="It is damaged."
        ),
    ]
    engine.received.clear()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, **__: theirs)
    panel.libraries.aboutToShow.emit()
    panel.libraries.actions()[-1].trigger()
    qtbot.waitUntil(lambda: room.analysis.compared is not None and room.analysis.compared.library == theirs)
    assert [request.library for request in engine.asked(GetRuns)] == [theirs]
    asked = engine.asked(CompareRuns)[-1]
    assert (asked.run_id, asked.against, asked.library) == ("run-2", "theirs-2", theirs)
    assert panel.against.currentText().startswith("other  ›  openai-b32")
    assert "Ranks are among the 48 clips that both libraries hold." in panel.summary.text()
    panel.against.setCurrentIndex(1)
    panel.against.activated.emit(1)
    qtbot.waitUntil(lambda: engine.asked(CompareRuns)[-1].against == "run-1")
    assert engine.asked(CompareRuns)[-1].library == ""
    room.choose_library("/libraries/none")
    message = room.explorer.window.banners.message
    qtbot.waitUntil(lambda: message.text.text() == "There is no library in /libraries/none.")
