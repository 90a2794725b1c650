"""The queries of a run as a table that sorts and filters tens of thousands of rows at once.

Keys to sort by and folded texts to search in are made once when a run is opened; sorting and filtering then only
reorder row numbers. A view asks for the few cells that it shows.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.protocol import QueryOutcome
from explorer import exports, formats, theme

Index = QModelIndex | QPersistentModelIndex
_NOWHERE: Final = QModelIndex()


class Column(IntEnum):
    """The table's columns from left to right."""

    QUERY = 0
    FIRST = 1
    RANK = 2
    CHANGE = 3
    GAP = 4
    PERCENTILE = 5
    JUDGED = 6


_TITLES: Final[Mapping[Column, tuple[str, str]]] = {
    Column.QUERY: ("Query", "The query as the truth file has it."),
    Column.FIRST: ("First", "Rank of the best relevant clip in the first stage; tied scores share a rank."),
    Column.RANK: ("Rank", "Rank of the best relevant clip in the last stage; tied scores share a rank."),
    Column.CHANGE: ("Change", "Ranks that reranking won (▲) or lost (▼)."),
    Column.GAP: (
        "Gap",
        "What the truth's score lacks to that of rank 1; empty where other scores ordered it.",
    ),
    Column.PERCENTILE: ("Pct", "Share of all clips that rank no higher than the truth."),
    Column.JUDGED: ("Judged", "Clips that people judged for this query."),
}
_KEYS: Final[Mapping[Column, Callable[[QueryOutcome], Any]]] = {
    Column.QUERY: lambda row: row.text.casefold(),
    Column.FIRST: lambda row: row.first_rank,
    Column.RANK: lambda row: row.rank,
    Column.CHANGE: lambda row: row.first_rank - row.rank,
    Column.GAP: lambda row: row.gap,
    Column.PERCENTILE: lambda row: row.percentile,
}


class QueryTable(QAbstractTableModel):
    """One row a query, in a chosen order, as far as the filters let it through.

    A *row* is a query's number in the run, a *place* its line in the table.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[QueryOutcome] = ()
        self._keys: dict[Column, list[Any]] = {}
        self._folded: list[str] = []
        self._order: list[int] = []  # all rows as sorted
        self._shown: list[int] = []  # those that the filters let through
        self._places: dict[int, int] = {}
        self._judged: Mapping[str, int] = {}
        self._marked: Collection[str] = frozenset()
        self._sorted_by = (Column.RANK, Qt.SortOrder.DescendingOrder)
        self._needle = ""
        self._beyond = 0
        self._hurt = False
        self._members: frozenset[int] | None = None

    # --- what Qt asks for ----------------------------------------------------------------------------

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:  # noqa: ANN401 - Qt's signature
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(Column):
            return None
        title, tip = _TITLES[Column(section)]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return title
            case Qt.ItemDataRole.ToolTipRole:
                return tip
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(Column(section))
            case _:
                return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401 - Qt's signature
        if not index.isValid() or index.row() >= len(self._shown):
            return None
        row, column = self._rows[self._shown[index.row()]], Column(index.column())
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(row, column)
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(column)
            case Qt.ItemDataRole.ForegroundRole:
                return _colour(row, column)
            case Qt.ItemDataRole.ToolTipRole:
                return _tip(row)
            case _:
                return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order by a column; what is equal keeps the order before, what has no value comes last either way."""
        if column not in tuple(Column):  # a header without an indicator asks for no order at all
            return
        self._sorted_by = (Column(column), order)
        self.beginResetModel()
        self._arrange(self._order)
        self.endResetModel()

    # --- what is shown -------------------------------------------------------------------------------

    @property
    def sorted_by(self) -> tuple[Column, Qt.SortOrder]:
        """The column and the direction in force."""
        return self._sorted_by

    @property
    def total(self) -> int:
        """How many queries the run has."""
        return len(self._rows)

    def outcome(self, row: int) -> QueryOutcome:
        """A query of the run."""
        return self._rows[row]

    def row_at(self, place: int) -> int:
        """The row in a line of the table, -1 if there is no such line."""
        return self._shown[place] if 0 <= place < len(self._shown) else -1

    def place_of(self, row: int) -> int:
        """The line that shows a row, -1 if the filters hold it back."""
        return self._places.get(row, -1)

    def show_rows(self, rows: Sequence[QueryOutcome], judged: Mapping[str, int]) -> None:
        """Another run's queries; `judged` counts judgements by query (white space made single)."""
        self.beginResetModel()
        self._rows = rows
        self._judged = judged
        self._keys = {column: [key(row) for row in rows] for column, key in _KEYS.items()}
        self._folded = self._keys[Column.QUERY]
        self._members = None
        self._arrange(list(range(len(rows))))
        self.endResetModel()

    def count_judged(self, judged: Mapping[str, int]) -> None:
        """Somebody judged: the numbers of the last column changed, the order stays."""
        self._judged = judged
        if self._shown:
            self.dataChanged.emit(
                self.index(0, Column.JUDGED), self.index(len(self._shown) - 1, Column.JUDGED)
            )

    def mark(self, query_ids: Collection[str]) -> None:
        """Queries that wear a mark before their text."""
        self._marked = query_ids
        if self._shown:
            self.dataChanged.emit(self.index(0, Column.QUERY), self.index(len(self._shown) - 1, Column.QUERY))

    def rows_of(self, query_ids: Collection[str]) -> frozenset[int]:
        """The rows of these queries."""
        return frozenset(row for row, found in enumerate(self._rows) if found.query_id in query_ids)

    def narrow(
        self, *, needle: str = "", beyond: int = 0, hurt: bool = False, members: Collection[int] | None = None
    ) -> None:
        """Show only what all filters let through.

        Queries with `needle` in their text, whose truth ranks beyond `beyond`, that reranking hurt, and, unless it
        is None, that are among `members`.
        """
        self.beginResetModel()
        self._needle = needle.strip().casefold()
        self._beyond, self._hurt = beyond, hurt
        self._members = None if members is None else frozenset(members)
        self._filter()
        self.endResetModel()

    def failure_from(self, place: int, step: int, beyond: int = 1) -> int:
        """The next line (step 1) or the one before (-1) whose truth ranks beyond `beyond`; -1 if there is none."""
        ranks = self._keys[Column.RANK] if self._rows else []
        found = place + step
        while 0 <= found < len(self._shown):
            if ranks[self._shown[found]] > beyond:
                return found
            found += step
        return -1

    def as_csv(self) -> str:
        """What is shown, in its order, RFC 4180."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(
            ("query_id", *(field for field in QueryOutcome.__struct_fields__ if field != "query_id"))
        )
        for row in self._shown:
            found = self._rows[row]
            writer.writerow([exports.cell(getattr(found, field)) for field in QueryOutcome.__struct_fields__])
        return out.getvalue()

    def _arrange(self, order: list[int]) -> None:
        column, direction = self._sorted_by
        keys = self._keys.get(column)
        if column is Column.JUDGED:
            keys = [self._judged.get(_key(row.text), 0) for row in self._rows]
        if keys is not None:
            known = [row for row in order if keys[row] is not None]
            known.sort(key=keys.__getitem__, reverse=direction == Qt.SortOrder.DescendingOrder)
            order = known + [row for row in order if keys[row] is None] if len(known) < len(order) else known
        self._order = order
        self._filter()

    def _filter(self) -> None:
        shown = self._order
        if self._members is not None:
            members = self._members
            shown = [row for row in shown if row in members]
        if self._beyond:
            ranks, beyond = self._keys[Column.RANK], self._beyond
            shown = [row for row in shown if ranks[row] > beyond]
        if self._hurt:
            changes = self._keys[Column.CHANGE]
            shown = [row for row in shown if changes[row] < 0]
        if self._needle:
            folded, needle = self._folded, self._needle
            shown = [row for row in shown if needle in folded[row]]
        self._shown = shown
        self._places = {row: place for place, row in enumerate(shown)}

    def _text(self, row: QueryOutcome, column: Column) -> str:
        change = row.first_rank - row.rank
        match column:
            case Column.QUERY:
                return f"★ {row.text}" if row.query_id in self._marked else row.text
            case Column.FIRST:
                return f"{row.first_rank:g}"
            case Column.RANK:
                return f"{row.rank:g}"
            case Column.CHANGE:
                return f"▲ {change:g}" if change > 0 else f"▼ {-change:g}" if change < 0 else ""
            case Column.GAP:
                return "" if row.gap is None else f"{row.gap:.3f}"
            case Column.PERCENTILE:
                return formats.percentile(row.percentile)
            case Column.JUDGED:
                count = self._judged.get(_key(row.text), 0)
                return str(count) if count else ""


def _alignment(column: Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if column is Column.QUERY else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


def _colour(row: QueryOutcome, column: Column) -> Any:  # noqa: ANN401 - Qt takes any variant
    if column is Column.CHANGE:
        return theme.color("up" if row.rank < row.first_rank else "down")
    if column is Column.RANK:
        return theme.color("text" if row.rank > 1 else "text_3")
    return None if column is Column.QUERY else theme.color("text_2")


def _tip(row: QueryOutcome) -> str:
    relevant = formats.count(row.relevant, "relevant clip")
    return f"{row.text}\n{relevant}; {row.unjudged:.0%} of the first ten clips were never judged"


def _key(query: str) -> str:
    return " ".join(query.split())
