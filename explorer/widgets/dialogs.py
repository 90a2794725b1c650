"""The small dialogs: files that could not be read, settings, go to a time."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QInputDialog,
    QLabel,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core.protocol import FailureInfo
from explorer.settings import SETTINGS, Setting, Settings
from explorer.widgets.parts import button, label


class Sheet(QDialog):
    """A dialog with a title, room for content and a row of buttons."""

    def __init__(self, parent: QWidget | None, title: str, width: int, height: int) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(width, height)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(24, 24, 24, 16)
        self.column.setSpacing(12)
        self.column.addWidget(label(title, "headline"))
        self.foot = QHBoxLayout()
        self.foot.addStretch(1)

    def finish(self) -> None:
        """Put the row of buttons under what was added, ending in Close."""
        self.foot.addWidget(button("Close", role="primary", on_click=self.accept))
        self.column.addLayout(self.foot)


class FailuresDialog(Sheet):
    """Files that could not be indexed, each with its reason."""

    def __init__(self, failures: tuple[FailureInfo, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent, "Files that could not be read", 820, 460)
        self._failures = failures
        self.column.addWidget(
            label(
                "Everything else was indexed. Repair or replace these files and add the folder again.",
                "secondary",
            )
        )
        self.table = QTableWidget(len(failures), 2)
        self.table.setHorizontalHeaderLabels(["File", "Reason"])
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.verticalHeader().setVisible(False)
        self.table.setShowGrid(False)
        self.table.setWordWrap(True)
        self.table.setTextElideMode(Qt.TextElideMode.ElideLeft)
        for row, failure in enumerate(failures):
            for column, text in enumerate((failure.path, failure.reason)):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.table.setItem(row, column, item)
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.resizeSection(0, 330)
        self.table.resizeRowsToContents()
        self.column.addWidget(self.table, 1)
        self.foot.addWidget(button("Copy list", "copy", on_click=self._copy))
        self.finish()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(f"{row.path}\t{row.reason}" for row in self._failures))


class SettingsDialog(Sheet):
    """Made from the table of settings; a change is in force at once."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent, "Settings", 520, 480)
        form = QFormLayout()
        form.setVerticalSpacing(12)
        form.setHorizontalSpacing(24)
        for row in SETTINGS:
            if row.shown:
                editor = _editor(row, settings)
                editor.setToolTip(row.note)
                editor.setAccessibleName(row.label)
                form.addRow(_form_label(row, editor), editor)
        self.column.addLayout(form)
        self.column.addStretch(1)
        self.finish()


def _form_label(row: Setting, editor: QWidget) -> QLabel:
    made = label("" if isinstance(editor, QCheckBox) else row.label, "secondary")
    made.setMinimumHeight(32)
    made.setBuddy(editor)
    return made


def _editor(row: Setting, settings: Settings) -> QWidget:
    value = settings.get(row.key)
    if row.choices:
        combo = QComboBox()
        for choice, text in row.choices:
            combo.addItem(text, choice)
        combo.setCurrentIndex([choice for choice, _ in row.choices].index(value))
        combo.currentIndexChanged.connect(lambda place: settings.set(row.key, row.choices[place][0]))
        return combo
    if isinstance(row.default, bool):
        check = QCheckBox(row.label)
        check.setChecked(bool(value))
        check.toggled.connect(lambda on: settings.set(row.key, on))
        return check
    spin: QSpinBox | QDoubleSpinBox
    if isinstance(row.default, int):
        spin = QSpinBox()
        spin.setRange(int(row.low), int(row.high))
        spin.setValue(int(value))
    else:
        spin = QDoubleSpinBox()
        spin.setRange(row.low, row.high)
        spin.setDecimals(1)
        spin.setValue(float(value))
    spin.lineEdit().setTextMargins(6, 0, 6, 0)  # the style sheet's padding does not reach it
    spin.setKeyboardTracking(False)
    spin.valueChanged.connect(lambda number: settings.set(row.key, number))
    return spin


def ask_time(parent: QWidget, low_s: float, high_s: float, now_s: float) -> float | None:
    """A time of the file inside the clip, or None when the person thinks better of it."""
    time_s, given = QInputDialog.getDouble(
        parent, "Go to a time", f"Seconds of the file, {low_s:.2f} to {high_s:.2f}", now_s, low_s, high_s, 2
    )
    return time_s if given else None


def ask_count(parent: QWidget, usual: int, most: int) -> int:
    """How many of the best clips to save; 0 when the person thinks better of it."""
    told = f"How many of the best clips, 1 to {most:,}, become video files?"
    count, given = QInputDialog.getInt(parent, "Save clips as videos", told, usual, 1, most)
    return count if given else 0
