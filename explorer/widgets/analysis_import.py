"""Importing a file of queries with truth: what is in it, what was taken for what, which rows mean nothing and why."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from core.protocol import (
    Failed,
    ImportQueries,
    Overlap,
    PreviewQueries,
    Progress,
    QueriesPreview,
    QuerySets,
    SpanMatch,
)
from explorer import formats
from explorer.engine_client import EngineClient, Request
from explorer.widgets.dialogs import Sheet
from explorer.widgets.flow import Flow
from explorer.widgets.parts import ElidedLabel, button, label

KINDS: Final = "Queries with truth (*.csv *.tsv *.txt *.json);;All files (*)"
_ROLES: Final = (
    ("query", "Query"), ("video", "Video"), ("start", "Start"), ("end", "End"), ("relevance", "Relevance"),
    ("id", "Query id"),
)  # fmt: skip
_TYPING_PAUSE_MS: Final = 350
_LISTED: Final = 200


class ImportDialog(Sheet):
    """Shows a file as it would be imported; every choice shows it anew.

    Signals:
        imported(sets): the file is in the library; the answer of the engine.
    """

    imported = Signal(object)

    def __init__(self, client: EngineClient, path: str, parent: QWidget | None = None) -> None:
        super().__init__(parent, "Import queries with truth", 900, 620)
        self._client = client
        self._path = path
        self._request: Request | None = None
        self._header: tuple[str, ...] = ()
        self._chosen: dict[str, str] = {}  # role -> column, where the person knows better
        self._file = ElidedLabel(path, "secondary")
        self._name = QLineEdit(formats.file_name(path).rsplit(".", 1)[0])
        self._companion = ElidedLabel("none", "secondary")
        self._companion_path = ""
        self._overlap = QComboBox()
        self._threshold = QDoubleSpinBox()
        self._roles: dict[str, QComboBox] = {}
        self._columns = QWidget()
        self._verdict = label("", "strong", wrap=True)
        self._sample = _table(("Row", "Query", "Video", "Span", "Relevance"), stretch=1)
        self._rejected = _table(("Row", "Query", "Video", "Why it counts for nothing"), stretch=3)
        self._rejected_title = label("", "section")
        self._import = button("Import", role="primary", on_click=self._on_import)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_TYPING_PAUSE_MS)
        self._later.timeout.connect(self._ask)
        self._lay_out()
        self._ask()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(label("File", "secondary"))
        row.addWidget(self._file, 2)
        row.addWidget(label("Call it", "secondary"))
        row.addWidget(self._name, 1)
        self._name.setAccessibleName("Name of the query set")
        self.column.addLayout(row)
        self.column.addLayout(self._lay_out_rule())
        flow = Flow(self._columns, spacing=8)
        for role, title in _ROLES:
            box = QComboBox()
            box.setAccessibleName(f"Column of the {title.casefold()}")
            box.activated.connect(lambda place, of=role: self._on_role(of, place))
            self._roles[role] = box
            pair = QWidget()
            inside = QHBoxLayout(pair)
            inside.setContentsMargins(0, 0, 0, 0)
            inside.setSpacing(4)
            inside.addWidget(label(title, "secondary"))
            inside.addWidget(box)
            flow.addWidget(pair)
        self.column.addWidget(self._columns)
        self.column.addWidget(self._verdict)
        self.column.addWidget(label("FIRST ROWS", "section"))
        self.column.addWidget(self._sample, 3)
        self.column.addWidget(self._rejected_title)
        self.column.addWidget(self._rejected, 2)
        self.foot.addWidget(button("Cancel", on_click=self.reject))
        self.foot.addWidget(self._import)
        self.column.addLayout(self.foot)

    def _lay_out_rule(self) -> QHBoxLayout:
        self._overlap.addItem("contains: covers so much of the shorter one", "contains")
        self._overlap.addItem("IoU: shares so much of both together", "iou")
        self._overlap.setAccessibleName("How a clip meets a true span")
        self._overlap.setToolTip(
            "“Contains” lets a clip of 8 s answer an event of 3 s; IoU wants both to be about as long."
        )
        self._overlap.activated.connect(lambda _place: self._ask())
        self._threshold.setRange(0.05, 1.0)
        self._threshold.setSingleStep(0.05)
        self._threshold.setValue(0.5)
        self._threshold.setAccessibleName("Least overlap")
        self._threshold.valueChanged.connect(lambda _value: self._later.start())
        self._threshold.lineEdit().setTextMargins(6, 0, 6, 0)  # the style sheet's padding does not reach it
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(label("A clip is meant by a span if it", "secondary"))
        row.addWidget(self._overlap)
        row.addWidget(label("at least", "secondary"))
        row.addWidget(self._threshold)
        row.addSpacing(16)
        row.addWidget(label("Second file", "secondary"))
        row.addWidget(self._companion, 1)
        pick = button("Choose…", on_click=self._choose_companion)
        pick.setToolTip("The qrels of TREC topics, or the CSV that chooses videos of an MSR-VTT JSON")
        row.addWidget(pick)
        return row

    # --- asking --------------------------------------------------------------------------------------

    def _match(self) -> SpanMatch:
        overlap: Overlap = "iou" if self._overlap.currentData() == "iou" else "contains"
        return SpanMatch(overlap, round(self._threshold.value(), 2))

    def _ask(self) -> None:
        self._later.stop()
        if self._request is not None:
            self._request.cancel()
        self._import.setEnabled(False)
        self._verdict.setText("Reading…")
        path, companion, match, columns = self._path, self._companion_path, self._match(), dict(self._chosen)
        request = self._client.send(
            lambda number: PreviewQueries(number, path, companion, match, columns=columns)
        )
        request.answered.connect(self._on_preview)
        self._follow(request)

    def _on_import(self) -> None:
        self._later.stop()  # the import has the newest overlap; a preview that begins now would cancel it
        self._import.setEnabled(False)
        path, companion, match, columns = self._path, self._companion_path, self._match(), dict(self._chosen)
        name = self._name.text().strip()
        request = self._client.send(
            lambda number: ImportQueries(number, path, companion, match, columns=columns, name=name)
        )
        request.answered.connect(self._on_imported)
        self._follow(request)

    def _follow(self, request: Request) -> None:
        self._request = request
        request.progressed.connect(self._on_progress)
        request.failed.connect(self._on_failed)
        request.finished.connect(lambda: self._over(request))

    def _over(self, request: Request) -> None:
        if self._request is request:
            self._request = None

    def done(self, result: int) -> None:
        self._later.stop()
        if self._request is not None:
            self._request.cancel()
        super().done(result)

    def _on_progress(self, progress: Progress) -> None:
        self._verdict.setText(f"{progress.stage.capitalize()}… {progress.done:,.0f} {progress.unit}")

    def _on_imported(self, reply: QuerySets) -> None:
        self.imported.emit(reply)
        self.accept()

    def _on_failed(self, failure: Failed) -> None:
        self._verdict.setText(failure.sentence)
        self._import.setEnabled(False)
        self._show_rejected(None)
        _fill(self._sample, [])

    def _choose_companion(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "The second file", "", "All files (*)")
        if path:
            self._companion_path = path
            self._companion.setText(path)
            self._ask()

    def _on_role(self, role: str, place: int) -> None:
        if place == 0:
            self._chosen.pop(role, None)
        else:
            self._chosen[role] = str(self._roles[role].itemData(place))
        self._ask()

    # --- showing -------------------------------------------------------------------------------------

    def _on_preview(self, preview: QueriesPreview) -> None:
        self._verdict.setText(verdict(preview))
        self._import.setEnabled(preview.queries > 0)
        self._show_roles(preview)
        _fill(
            self._sample,
            [
                (str(row.row), row.query, row.video, _span(row.start_s, row.end_s), str(row.relevance))
                for row in preview.sample
            ],
        )
        self._show_rejected(preview)

    def _show_roles(self, preview: QueriesPreview) -> None:
        """Which column plays which role; a role with a star was found by what stands in the column."""
        self._columns.setVisible(bool(preview.header))
        found = {column.role: column for column in preview.columns}
        for role, box in self._roles.items():
            box.clear()
            box.addItem("–", "")
            for name in preview.header:
                box.addItem(name, name)
            column = found.get(role)
            if column is not None:
                box.setCurrentIndex(max(0, box.findData(column.name)))
                how = {"name": "its name", "content": "what stands in it", "choice": "your choice"}
                box.setToolTip(f"Found by {how.get(column.found_by, column.found_by)}")

    def _show_rejected(self, preview: QueriesPreview | None) -> None:
        count = preview.rejected_count if preview is not None else 0
        rows = preview.rejected[:_LISTED] if preview is not None else ()
        title = f"{formats.count(count, 'row')} that mean no clip of this library".upper()
        self._rejected_title.setText(title if count <= len(rows) else f"{title}, THE FIRST {len(rows)}")
        for part in (self._rejected_title, self._rejected):
            part.setVisible(count > 0)
        _fill(self._rejected, [(str(row.row), row.query, row.video, row.reason) for row in rows])


def verdict(preview: QueriesPreview) -> str:
    """What an import would bring, in a sentence or two."""
    kind = f"{preview.kind}, {formats.count(preview.rows, 'row')}"
    if not preview.queries:
        return (
            f"{kind}: no row means a clip of this library. Look at the reasons below; other columns may help."
        )
    parts = [f"{kind}: {formats.count(preview.queries, 'query', 'queries')} with an answer in this library"]
    if preview.unanswered:
        parts.append(f"{preview.unanswered:,} without one are left out")
    if preview.property_names:
        parts.append(f"slices by {', '.join(preview.property_names[:6])}")
    return "; ".join(parts) + "."


def _span(start_s: float | None, end_s: float | None) -> str:
    return "whole video" if start_s is None or end_s is None else f"{start_s:g} – {end_s:g} s"


def _table(titles: tuple[str, ...], *, stretch: int) -> QTableWidget:
    made = QTableWidget(0, len(titles))
    made.setHorizontalHeaderLabels(list(titles))
    made.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    made.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    made.verticalHeader().setVisible(False)
    made.verticalHeader().setDefaultSectionSize(26)
    made.setShowGrid(False)
    made.setWordWrap(False)
    header = made.horizontalHeader()
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
    for column in range(len(titles)):
        header.resizeSection(column, 56 if titles[column] == "Row" else 170)
    header.setSectionResizeMode(stretch, QHeaderView.ResizeMode.Stretch)
    return made


def _fill(table: QTableWidget, rows: list[tuple[str, ...]]) -> None:
    table.setRowCount(len(rows))
    for place, row in enumerate(rows):
        for column, text in enumerate(row):
            item = QTableWidgetItem(text)
            item.setToolTip(text)
            table.setItem(place, column, item)
