"""The library's videos as a checkable list: the filter of the side panel."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from core.protocol import VideoInfo
from explorer import formats

Index = QModelIndex | QPersistentModelIndex
_NOWHERE: Final = QModelIndex()


class VideoRole(IntEnum):
    """What the list's delegate asks for."""

    VIDEO = Qt.ItemDataRole.UserRole + 1


class VideosModel(QAbstractListModel):
    """One row a video. Nothing checked means: search them all.

    Signals:
        chosen_changed(video_ids): the checked videos.
    """

    chosen_changed = Signal(tuple)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: list[VideoInfo] = []
        self._shown: list[VideoInfo] = []
        self._chosen: set[int] = set()
        self._needle = ""

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401 - Qt's signature
        if not index.isValid() or index.row() >= len(self._shown):
            return None
        video = self._shown[index.row()]
        match role:
            case VideoRole.VIDEO:
                return video
            case Qt.ItemDataRole.DisplayRole:
                return video.name
            case Qt.ItemDataRole.CheckStateRole:
                chosen = video.video_id in self._chosen
                return Qt.CheckState.Checked if chosen else Qt.CheckState.Unchecked
            case Qt.ItemDataRole.ToolTipRole:
                gone = "\nThe file was not there when last looked for." if video.missing else ""
                length = f"{formats.clock(video.duration_s)}, {formats.count(video.clips, 'clip')}"
                return f"{video.path}\n{length}{gone}"
            case _:
                return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: ANN401
        if role != Qt.ItemDataRole.CheckStateRole or not index.isValid():
            return False
        video_id = self._shown[index.row()].video_id
        if Qt.CheckState(value) == Qt.CheckState.Checked:
            self._chosen.add(video_id)
        else:
            self._chosen.discard(video_id)
        self.dataChanged.emit(index, index, [role])
        self.chosen_changed.emit(self.chosen)
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable

    @property
    def chosen(self) -> tuple[int, ...]:
        """The checked videos' ids, in order."""
        return tuple(sorted(self._chosen))

    @property
    def shown(self) -> tuple[int, ...]:
        """The ids of the videos that the needle leaves, in order."""
        return tuple(sorted(video.video_id for video in self._shown))

    def show_videos(self, videos: tuple[VideoInfo, ...]) -> None:
        """The videos of the open library; checks on videos that are still there stay."""
        self._all = list(videos)
        self._chosen &= {video.video_id for video in videos}
        self._narrow()

    def narrow(self, needle: str) -> None:
        """Show only videos whose name contains `needle`, any case."""
        self._needle = needle.casefold().strip()
        self._narrow()

    def toggle(self, index: Index) -> None:
        """Turn a check around."""
        checked = self.data(index, Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
        state = Qt.CheckState.Unchecked if checked else Qt.CheckState.Checked
        self.setData(index, state, Qt.ItemDataRole.CheckStateRole)

    def choose(self, video_ids: tuple[int, ...]) -> None:
        """Check exactly these videos."""
        self._chosen = set(video_ids)
        if self._shown:
            role = [Qt.ItemDataRole.CheckStateRole]
            self.dataChanged.emit(self.index(0), self.index(len(self._shown) - 1), role)
        self.chosen_changed.emit(self.chosen)

    def _narrow(self) -> None:
        self.beginResetModel()
        self._shown = [video for video in self._all if self._needle in video.name.casefold()]
        self.endResetModel()
