"""The slices of a run, and the queries that two runs rank differently: two small tables."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.protocol import Compared, MetricValue, SliceInfo
from explorer import theme

Index = QModelIndex | QPersistentModelIndex
_NOWHERE: Final = QModelIndex()
_RIGHT: Final = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT: Final = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class SliceRole(IntEnum):
    """What the delegate of the interval asks for."""

    RESULT = Qt.ItemDataRole.UserRole + 1


def metric_text(value: float | None, unit: str) -> str:
    """A metric as the field prints it: percentages and ranks with one decimal, shares with three."""
    if value is None:
        return "–"
    return f"{value:.1f}" if unit in ("%", "rank") else f"{value:.3f}"


def unpacked(data: bytes, kind: str) -> array[Any]:
    """Little-endian int32 ("i") or float32 ("f") as they came over the wire."""
    import sys

    found = array(kind)
    found.frombytes(data)
    if sys.byteorder == "big":
        found.byteswap()
    return found


class _Table(QAbstractTableModel):
    """Rows that are sorted by one key a column; `titles` are (title, tip)."""

    def __init__(self, titles: Sequence[tuple[str, str]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._titles = titles
        self._order: list[int] = []
        self._keys: list[Callable[[int], Any]] = []

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._titles)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:  # noqa: ANN401 - Qt's signature
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self._titles):
            return None
        roles = {Qt.ItemDataRole.DisplayRole: 0, Qt.ItemDataRole.ToolTipRole: 1}
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(section)
        return self._titles[section][roles[Qt.ItemDataRole(role)]] if role in roles else None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if not 0 <= column < len(self._keys):  # nothing is there yet, or the view asks for no order at all
            return
        self.beginResetModel()
        self._order.sort(key=self._keys[column], reverse=order == Qt.SortOrder.DescendingOrder)
        self.endResetModel()

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        return _RIGHT if column else _LEFT


class SliceTable(_Table):
    """Property and value, how many queries, the metric with its interval."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(
            (
                ("Slice", "What its queries have in common."),
                ("Queries", "How many queries it has; few make wide intervals."),
                ("Value", "The metric over these queries."),
                ("95 % interval", "Where the value would lie with other queries of the same kind."),
            ),
            parent,
        )
        self._slices: tuple[SliceInfo, ...] = ()

    def show_slices(self, slices: tuple[SliceInfo, ...]) -> None:
        """Replace the rows."""
        self.beginResetModel()
        self._slices = slices
        self._order = list(range(len(slices)))
        self._keys = [
            lambda row: (slices[row].key, slices[row].value),
            lambda row: slices[row].count,
            lambda row: _number(slices[row].result.value),
            lambda row: _number(slices[row].result.high) - _number(slices[row].result.low),
        ]
        self.endResetModel()

    def slice_at(self, place: int) -> SliceInfo | None:
        """The slice in a line."""
        return self._slices[self._order[place]] if 0 <= place < len(self._order) else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401 - Qt's signature
        part = self.slice_at(index.row()) if index.isValid() else None
        if part is None:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return (
                    f"{part.key}: {part.value}",
                    f"{part.count:,}",
                    metric_text(part.result.value, part.result.unit),
                    "",
                )[index.column()]
            case Qt.ItemDataRole.TextAlignmentRole:
                return self._alignment(index.column())
            case Qt.ItemDataRole.ForegroundRole:
                return theme.color("text" if index.column() == 0 else "text_2")
            case Qt.ItemDataRole.ToolTipRole:
                return f"{part.key}: {part.value}\n{interval_text(part.result)}"
            case SliceRole.RESULT:
                return part.result
            case _:
                return None


def interval_text(result: MetricValue) -> str:
    """`R@10 42.0, 95 % interval 30.0 to 55.0`."""
    value, low, high = (metric_text(v, result.unit) for v in (result.value, result.low, result.high))
    return f"{result.name} {value}, 95 % interval {low} to {high}"


def _number(value: float | None) -> float:
    return float("-inf") if value is None else value


class PairTable(_Table):
    """Queries that the two sides of a comparison rank differently, the largest loss first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(
            (
                ("Query", "The query as the truth file has it."),
                ("Before", "Rank of the truth in the other ranking."),
                ("Now", "Rank of the truth in this run."),
                ("Change", "Ranks won (▲) or lost (▼)."),
            ),
            parent,
        )
        self._rows: Sequence[int] = ()
        self._a: Sequence[float] = ()
        self._b: Sequence[float] = ()
        self._texts: Callable[[int], str] = str

    def show_comparison(self, found: Compared | None, text_of: Callable[[int], str], *, worse: bool) -> None:
        """The queries that got worse, or those that got better; `text_of` gives a row's query."""
        self.beginResetModel()
        self._rows = unpacked(found.rows, "i") if found else ()
        self._a = a = unpacked(found.ranks_a, "f") if found else ()
        self._b = b = unpacked(found.ranks_b, "f") if found else ()
        self._texts = text_of
        sign = 1 if worse else -1
        self._order = [place for place in range(len(self._rows)) if sign * (b[place] - a[place]) > 0]
        self._order.sort(key=lambda place: sign * (a[place] - b[place]))
        self._keys = [
            lambda place: text_of(self._rows[place]).casefold(),
            lambda place: a[place],
            lambda place: b[place],
            lambda place: a[place] - b[place],
        ]
        self.endResetModel()

    def row_at(self, place: int) -> int:
        """The run's row in a line, -1 if there is no such line."""
        return self._rows[self._order[place]] if 0 <= place < len(self._order) else -1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401 - Qt's signature
        if not index.isValid() or index.row() >= len(self._order):
            return None
        place = self._order[index.row()]
        gain = self._a[place] - self._b[place]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                mark = f"▲ {gain:g}" if gain > 0 else f"▼ {-gain:g}"
                text = self._texts(self._rows[place])
                return (text, f"{self._a[place]:g}", f"{self._b[place]:g}", mark)[index.column()]
            case Qt.ItemDataRole.TextAlignmentRole:
                return self._alignment(index.column())
            case Qt.ItemDataRole.ForegroundRole if index.column() == len(self._titles) - 1:
                return theme.color("up" if gain > 0 else "down")
            case Qt.ItemDataRole.ToolTipRole:
                return self._texts(self._rows[place])
            case _:
                return None
