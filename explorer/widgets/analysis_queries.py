"""The left side of the Analyse page: the run's queries, sorted, searched, narrowed to failures or to a slice."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from core.protocol import QueryOutcome
from explorer import formats
from explorer.models.analysis_table import Column, QueryTable
from explorer.widgets.analysis_tables import AnalysisTable
from explorer.widgets.parts import ElidedLabel, button, label, lead

_TYPING_PAUSE_MS: Final = 120
_SHOWN: Final = (
    ("All queries", 0, False), ("Rank 1 is wrong", 1, False), ("Not in the first 5", 5, False),
    ("Not in the first 10", 10, False), ("Reranking hurt", 0, True), ("In the report", 0, False),
)  # fmt: skip
_CHOSEN: Final = _SHOWN[-1][0]
_WIDTHS: Final = {Column.FIRST: 50, Column.RANK: 54, Column.CHANGE: 62, Column.GAP: 62,
                  Column.PERCENTILE: 72, Column.JUDGED: 58}  # fmt: skip


class QueriesPanel(QWidget):
    """The table of queries under what narrows it.

    Signals:
        row_chosen(row): another query of the run is looked at.
        said(level, sentence): something for the message bar.
    """

    row_chosen = Signal(int)
    said = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.model = QueryTable(self)
        self.table = AnalysisTable("Queries of the run")
        self.needle = QLineEdit()
        self.which = QComboBox()
        self.row = -1
        """The query that is looked at, as a row of the run; below 0 for none."""
        self.count = label("", "quiet")
        self.slice = button("", "clear", role="slice", on_click=self.leave_slice)
        self._members: frozenset[int] | None = None
        self._chosen: frozenset[str] = frozenset()
        self._notes = ElidedLabel("", "quiet", Qt.TextElideMode.ElideRight)
        self._typing = QTimer(self)
        self._set_up()
        self._lay_out()

    def _set_up(self) -> None:
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_PAUSE_MS)
        self._typing.timeout.connect(self.narrow)
        self.table.setModel(self.model)
        self.table.stretch(Column.QUERY, {int(column): width for column, width in _WIDTHS.items()})
        column, order = self.model.sorted_by
        self.table.horizontalHeader().setSortIndicator(column, order)
        self.table.setSortingEnabled(True)
        self.table.row_selected.connect(self._on_selected)
        self.model.modelReset.connect(self._keep_row)
        self.needle.setPlaceholderText("Find a query")
        self.needle.setAccessibleName("Find a query")
        lead(self.needle, "filter")
        self.needle.textEdited.connect(lambda _text: self._typing.start())
        self.needle.returnPressed.connect(self.table.setFocus)
        self.which.setAccessibleName("Which queries")
        self.which.addItems([title for title, _, _ in _SHOWN])
        self.which.activated.connect(lambda _place: self.narrow())
        self.slice.setToolTip("Show all queries again")
        self.slice.hide()

    def _lay_out(self) -> None:
        self.setMinimumWidth(420)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 8, 8)
        column.setSpacing(6)
        rows: tuple[tuple[tuple[QWidget, int], ...], ...] = (
            ((self.needle, 1), (self.which, 0)),
            ((self.count, 0), (self.slice, 0)),
        )
        for parts in rows:
            row = QHBoxLayout()
            row.setSpacing(8)
            for part, stretch in parts:
                row.addWidget(part, stretch)
            column.addLayout(row)
        row.addStretch(1)
        column.addWidget(self.table, 1)
        column.addWidget(self._notes)

    # --- what is shown -------------------------------------------------------------------------------

    def show_rows(self, rows: Sequence[QueryOutcome], judged: Mapping[str, int]) -> None:
        """The queries of another run; `judged` counts judged clips by query."""
        self._members = None
        self.slice.hide()
        self.row = -1
        self.model.show_rows(rows, judged)

    def show_chosen(self, chosen: Collection[str]) -> None:
        """Ids of the queries that go into the report: they wear a mark."""
        if self._chosen == frozenset(chosen):
            return
        self._chosen = frozenset(chosen)
        self.model.mark(self._chosen)
        if self.which.currentText() == _CHOSEN:
            self.narrow()

    def show_stages(self, *, reranked: bool) -> None:
        """A run of one stage has no first rank and no change."""
        for column in (Column.FIRST, Column.CHANGE):
            self.table.setColumnHidden(column, not reranked)

    def show_notes(self, notes: str, details: Iterable[str]) -> None:
        """What is to be known of the run, a line under the table; `details` follow when it is pointed at."""
        self._notes.setText(notes)
        self._notes.setVisible(bool(notes))
        self._notes.setToolTip("\n".join([notes, *details]))

    def show_members(self, rows: Sequence[int] | array[int], title: str) -> None:
        """Only these queries, under a chip that says which they are."""
        self._members = frozenset(rows)
        self.slice.setText(title)
        self.slice.show()
        self.narrow()

    def leave_slice(self) -> None:
        """All queries again, as far as search and choice let them."""
        self._members = None
        self.slice.hide()
        self.narrow()

    def narrow(self) -> None:
        """Show what search, choice and slice have in common."""
        title, beyond, hurt = _SHOWN[self.which.currentIndex()]
        members = self._members
        if title == _CHOSEN:
            chosen = self.model.rows_of(self._chosen)
            members = chosen if members is None else members & chosen
        self.model.narrow(needle=self.needle.text(), beyond=beyond, hurt=hurt, members=members)

    # --- what the person does ------------------------------------------------------------------------

    def next_failure(self, step: int) -> None:
        """The next query in the table whose truth is not first (or not among the first that the choice names)."""
        beyond = max(1, _SHOWN[self.which.currentIndex()][1])
        place = self.model.failure_from(self.table.currentIndex().row(), step, beyond)
        if place < 0:
            end = "after" if step > 0 else "before"
            self.said.emit("info", f"There is no failure {end} this query in the table.")
            return
        self.table.choose(place)

    def look_at(self, rows: tuple[int, ...]) -> None:
        """One query: look at it. Several: only these in the table, and look at the first."""
        if len(rows) > 1:
            self.show_members(rows, f"{formats.count(len(rows), 'query', 'queries')} of the plot")
        elif self.model.place_of(rows[0]) < 0:
            self.needle.clear()
            self.which.setCurrentIndex(0)
            self.leave_slice()
        place = self.model.place_of(rows[0])
        if place >= 0:
            self.table.choose(place)

    def _on_selected(self, place: int) -> None:
        row = self.model.row_at(place)
        if row >= 0 and row != self.row:
            self.row = row
            self.row_chosen.emit(row)

    def _keep_row(self) -> None:
        """After sorting or filtering the chosen query stays chosen, or the first one that is left is."""
        shown, total = self.model.rowCount(), self.model.total
        queries = formats.count(total, "query", "queries")
        self.count.setText(queries if shown == total else f"{shown:,} of {queries}")
        place = self.model.place_of(self.row) if self.row >= 0 else -1
        if place >= 0 or shown:
            self.table.choose(max(place, 0))
