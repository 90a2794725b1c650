"""The models page: every known bundle, whether its weights are here, and how to get them.

Nothing is downloaded unless a person presses the button of that row.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from core.protocol import Failed, FetchModel, GetModels, ModelInfo, Models, Progress
from explorer.engine_client import EngineClient, Request
from explorer.settings import Settings
from explorer.widgets.dialogs import Sheet
from explorer.widgets.jobs_strip import numbers
from explorer.widgets.parts import button, label


class ModelRow(QFrame):
    """One bundle as a card."""

    def __init__(self, model: ModelInfo, dialog: ModelsDialog) -> None:
        super().__init__()
        self.setObjectName("card")
        self._model = model
        self.name = model.name
        self._dialog = dialog
        self._request: Request | None = None
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._numbers = label("", "quiet")
        self._cancel = button("Cancel", on_click=self._stop)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(4)
        head = QHBoxLayout()
        head.addWidget(label(model.title or model.name, "title"))
        head.addSpacing(8)
        here = label("on this machine" if model.present else "not here", "chip" if model.present else "quiet")
        head.addWidget(here, 0, Qt.AlignmentFlag.AlignVCenter)
        self._used = label("for new libraries", "chip")
        head.addWidget(self._used, 0, Qt.AlignmentFlag.AlignVCenter)
        head.addStretch(1)
        self._buttons = self._make_buttons()
        for part in self._buttons:
            head.addWidget(part)
        column.addLayout(head)
        column.addWidget(label(facts(model), "secondary", wrap=True))
        column.addWidget(label(origin(model), "quiet", wrap=True))
        column.addLayout(self._progress_row())
        self._show_progress(running=False)

    def _make_buttons(self) -> list[QWidget]:
        if self._model.present:
            return [button("Use for new libraries", on_click=lambda: self._dialog.use(self._model.name))]
        size = f" ({self._model.size_mb:.0f} MB)" if self._model.size_mb else ""
        return [
            button("Import a file…", "import", on_click=self._import),
            button(f"Download{size}", "download", on_click=lambda: self.fetch("")),
        ]

    def _progress_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self._bar, 1)
        row.addWidget(self._numbers)
        row.addWidget(self._cancel)
        return row

    def show_used(self, name: str) -> None:
        """Mark the bundle that new libraries are made with."""
        used = self._model.name == name
        self._used.setVisible(used)
        if self._model.present:
            self._buttons[0].setVisible(not used)

    def _import(self) -> None:
        path = choose_weights(self)
        if path:
            self.fetch(path)

    def fetch(self, from_file: str) -> None:
        """Download this bundle, or import it from a file."""
        self._show_progress(running=True)
        request = self._dialog.fetch(self._model.name, from_file)
        self._request = request
        request.progressed.connect(self._on_progress)
        request.finished.connect(lambda: self._show_progress(running=False))

    def _stop(self) -> None:
        if self._request is not None:
            self._request.cancel()

    def _on_progress(self, progress: Progress) -> None:
        self._bar.setRange(0, max(1, round(progress.total)) if progress.total > 0 else 0)
        self._bar.setValue(round(progress.done))
        self._numbers.setText(numbers(progress))

    def _show_progress(self, *, running: bool) -> None:
        self._bar.setRange(0, 0)
        for shown in (self._bar, self._numbers, self._cancel):
            shown.setVisible(running)
        for hidden in self._buttons:
            hidden.setVisible(not running)


class ModelsDialog(Sheet):
    """All bundles. The list comes from the engine."""

    def __init__(self, client: EngineClient, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent, "Models", 860, 640)
        self._client = client
        self._settings = settings
        self.column.addWidget(
            label(
                "A bundle is a pair: a student for the first stage and X-CLIP for the rerank. "
                "Nothing is downloaded unless you ask for it here.",
                "secondary",
                wrap=True,
            )
        )
        self._status = label("Asking the engine…", "secondary", wrap=True)
        self.column.addWidget(self._status)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(8)
        self._rows.setContentsMargins(0, 0, 4, 0)
        self._rows.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._inside = QWidget()
        self._inside.setLayout(self._rows)
        scroll = QScrollArea()
        scroll.setWidget(self._inside)
        scroll.setWidgetResizable(True)
        self.column.addWidget(scroll, 1)
        self.finish()
        self.reload()

    def reload(self) -> None:
        """Ask the engine which bundles there are."""
        if not self._client.ready:
            self._status.setText("The engine is not running yet; open this page again when it is ready.")
            return
        request = self._client.send(lambda number: GetModels(id=number))
        request.answered.connect(self._on_models)
        request.failed.connect(self._on_failed)

    def fetch(self, name: str, from_file: str) -> Request:
        """Start a download or an import."""
        request = self._client.send(lambda number: FetchModel(id=number, name=name, from_file=from_file))
        request.answered.connect(self._on_models)
        request.failed.connect(self._on_failed)
        return request

    def use(self, name: str) -> None:
        """Make new libraries with this bundle; those that exist keep their own."""
        self._settings.set("index/bundle", name)
        self._show_used()

    def _show_used(self) -> None:
        chosen = self._settings.text("index/bundle") or (self.rows[0].name if self.rows else "")
        for row in self.rows:
            row.show_used(chosen)

    @property
    def rows(self) -> list[ModelRow]:
        """The cards, in order."""
        return self._inside.findChildren(ModelRow, options=Qt.FindChildOption.FindDirectChildrenOnly)

    def _on_models(self, reply: Models) -> None:
        for row in self.rows:
            row.setParent(None)
            row.deleteLater()
        for model in reply.models:
            self._rows.addWidget(ModelRow(model, self))
        self._status.setVisible(False)
        self._show_used()

    def _on_failed(self, failure: Failed) -> None:
        self._status.setText(failure.sentence)
        self._status.setVisible(True)


def facts(model: ModelInfo) -> str:
    """Parameters, input size, speed, as far as they are known."""
    parts = []
    if model.parameters_m:
        parts.append(f"{model.parameters_m:,.0f} M parameters")
    if model.input_size:
        parts.append(f"{model.input_size.replace('x', ' × ')} pixels")
    if model.relative_speed:
        parts.append(f"{model.relative_speed:.2g}× the speed of ViT-B-32")
    return "  ·  ".join(parts)


def origin(model: ModelInfo) -> str:
    """Name, source, licence and a note."""
    return "  ·  ".join(part for part in (model.name, model.source, model.licence, model.note) if part)


def choose_weights(parent: QWidget) -> str:
    """A weights file, or "" when the person thinks better of it."""
    path, _ = QFileDialog.getOpenFileName(
        parent, "Import weights", "", "Weights (*.safetensors *.pt *.pth *.bin);;All files (*)"
    )
    return path
