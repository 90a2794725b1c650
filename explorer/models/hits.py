"""The ranked clips as a Qt model. Rows are places in the grid; the rank is the engine's."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import (
    QAbstractListModel,
    QByteArray,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)

from core.protocol import Hit, in_order_of_time
from explorer import formats
from explorer.models.why_words import signed

Index = QModelIndex | QPersistentModelIndex
_NOWHERE: Final = QModelIndex()
CLIP_MIME: Final = "application/x-drivescope-clip"
"""A dragged card: the clip's id in decimal digits."""
_UNLIKELY_TIP: Final = "<br>Scores lower than matches in this library usually do."
_HELD_TIP: Final = "<br><i>Held under the pointer; it takes its place when you leave the results.</i>"


class HitRole(IntEnum):
    """What the delegate asks for."""

    HIT = Qt.ItemDataRole.UserRole + 1
    CHANGE = Qt.ItemDataRole.UserRole + 2  # places gained by the rerank
    HELD = Qt.ItemDataRole.UserRole + 3  # kept under the pointer, away from its rank's place
    UNLIKELY = Qt.ItemDataRole.UserRole + 4  # probably no match


class HitsModel(QAbstractListModel):
    """One row a hit, in order of rank or of time, except for a card that is held under the pointer."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hits: list[Hit] = []  # as shown
        self._ranking: list[Hit] = []  # as ranked
        self._order: list[Hit] = []  # as shown, but for a held card
        self._by_time = False
        self._likely: int | None = None  # past this rank clips probably do not match
        self._held: int | None = None  # clip id

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._hits)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401 - Qt's signature
        if not index.isValid() or index.row() >= len(self._hits):
            return None
        hit = self._hits[index.row()]
        match role:
            case HitRole.HIT:
                return hit
            case HitRole.CHANGE:
                return formats.rank_change(hit.first_rank, hit.rank)
            case HitRole.HELD:
                return self._is_held(index.row())
            case HitRole.UNLIKELY:
                return self._is_unlikely(hit)
            case Qt.ItemDataRole.DisplayRole:
                return formats.file_name(hit.video)
            case Qt.ItemDataRole.ToolTipRole:
                unlikely = _UNLIKELY_TIP if self._is_unlikely(hit) else ""
                return tooltip(hit) + unlikely + (_HELD_TIP if self._is_held(index.row()) else "")
            case Qt.ItemDataRole.AccessibleTextRole:
                return (
                    f"Rank {hit.rank}, {formats.file_name(hit.video)}, {formats.span(hit.start_s, hit.end_s)}"
                )
            case _:
                return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsDragEnabled if index.isValid() else flags

    def mimeTypes(self) -> list[str]:
        return [CLIP_MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        hit = self.hit(indexes[0].row()) if indexes else None
        if hit is not None:
            data.setData(CLIP_MIME, QByteArray(str(hit.clip_id).encode()))
        return data

    def hit(self, row: int) -> Hit | None:
        """The hit shown in `row`."""
        return self._hits[row] if 0 <= row < len(self._hits) else None

    def row_of(self, clip_id: int) -> int:
        """The row that shows a clip, -1 if none does."""
        return next((row for row, hit in enumerate(self._hits) if hit.clip_id == clip_id), -1)

    @property
    def ranking(self) -> list[Hit]:
        """All hits in order of rank."""
        return list(self._ranking)

    @property
    def first_unlikely(self) -> int:
        """The row from which on, in the order of rank, clips probably do not match; -1 if there is none."""
        if self._by_time or not self._likely:
            return -1
        return next((row for row, hit in enumerate(self._hits) if self._is_unlikely(hit)), -1)

    def show_ranking(self, hits: tuple[Hit, ...], *, hold_row: int = -1, likely: int | None = None) -> None:
        """Replace the rows. The card in `hold_row` keeps its row; the others take the new order around it.

        Clips past the rank `likely` probably do not match; with 0 none does, and none is told from the others.
        """
        held = self.hit(hold_row)
        self._likely = likely
        self._ranking = list(hits)
        self._order = self._ordered()
        self._held = held.clip_id if held is not None else None
        self._replace(_around(self._order, held, hold_row) if held is not None else self._order)

    def set_by_time(self, by_time: bool) -> None:
        """Rows in the order of videos and time, or in that of rank; now and for rankings to come."""
        self._by_time = by_time
        self._order = self._ordered()
        self._held = None
        self._replace(self._order)

    def release(self) -> None:
        """Let a held card go to its own place."""
        if self._held is not None:
            self._held = None
            self._replace(self._order)

    @property
    def holding(self) -> bool:
        """Whether a card is kept away from its own place."""
        return self._held is not None and self._hits != self._order

    def _ordered(self) -> list[Hit]:
        return list(in_order_of_time(self._ranking)) if self._by_time else self._ranking

    def _replace(self, shown: list[Hit]) -> None:
        old = self._hits
        if {hit.clip_id for hit in old} != {hit.clip_id for hit in shown}:
            self.beginResetModel()
            self._hits = list(shown)
            self.endResetModel()
            return
        self.layoutAboutToBeChanged.emit()
        places = {hit.clip_id: row for row, hit in enumerate(shown)}
        before = self.persistentIndexList()
        after = [self.index(places[old[index.row()].clip_id]) for index in before]
        self._hits = list(shown)
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _is_unlikely(self, hit: Hit) -> bool:
        return bool(self._likely) and hit.rank > (self._likely or 0)

    def _is_held(self, row: int) -> bool:
        own = self._order[row] if row < len(self._order) else None
        return self._hits[row].clip_id == self._held and self._hits[row] is not own


def best_of_each_video(hits: Sequence[Hit]) -> tuple[tuple[Hit, ...], dict[int, int]]:
    """The best hit of every video, in order of rank, and by its clip how many more hits its video has.

    Long drives fill the first places with neighbours of one clip; grouped by video a target is found fastest
    (49 people and seven layouts, arXiv 2510.04396).
    """
    best: dict[int, Hit] = {}
    more: dict[int, int] = {}
    for hit in hits:
        first = best.setdefault(hit.video_id, hit)
        if first is not hit:
            more[first.clip_id] = more.get(first.clip_id, 0) + 1
    return tuple(best.values()), more


def _around(order: list[Hit], held: Hit, row: int) -> list[Hit]:
    """`order` with the held clip moved to `row`; one that is no longer ranked stays as it was."""
    current = next((hit for hit in order if hit.clip_id == held.clip_id), held)
    others = [hit for hit in order if hit.clip_id != held.clip_id]
    others.insert(min(row, len(others)), current)
    return others


def dragged_clip(data: QMimeData) -> int:
    """The clip in a drag, 0 if there is none."""
    text = bytes(data.data(CLIP_MIME).data()).decode("ascii", "replace")
    return int(text) if text.isdecimal() else 0


def tooltip(hit: Hit) -> str:
    """Everything a card leaves out, one line each."""
    change = formats.rank_change(hit.first_rank, hit.rank)
    lines = [
        f"<b>{_escaped(hit.video)}</b>",
        f"{formats.exact_clock(hit.start_s)} – {formats.exact_clock(hit.end_s)}",
        f"First stage: rank {hit.first_rank}, cosine {hit.score:.3f}",
    ]
    if hit.rerank_score is not None:
        moved = f", {'up' if change > 0 else 'down'} {abs(change)}" if change else ", same place"
        lines.append(f"Rerank: rank {hit.rank}, X-CLIP {hit.rerank_score:.3f}{moved}")
    if hit.learned:
        lines.append(f"What you judged adds {signed(hit.learned)}")
    lines.append(f"{formats.percentile(hit.percentile)} of the searched clips score no higher")
    return "<br>".join(lines)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
