"""Process and socket as one thing: whether there is an engine, in which state, and whether it comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from core.protocol import EngineStatus, State, Welcome
from explorer.engine_client import EngineClient
from explorer.engine_process import EngineProcess

LOST_MS: Final = 400
"""So long a lost connection may mean that the process is just dying."""


@dataclass(frozen=True)
class EngineView:
    """What the window says about the engine."""

    status: EngineStatus = "starting"
    device: str = ""
    precision: str = ""
    bundle: str = ""
    detail: str = ""
    devices: tuple[str, ...] = ()
    gave_up: bool = False  # it will not come back by itself
    log: str = ""  # its last words, for whoever wants to repair it


class EngineLink(QObject):
    """Keeps one engine running and connected.

    Signals:
        view_changed(view): the state to show.
        came_up(): connected, requests may be sent (again).
        went_away(sentence, detail): the engine is gone; a restart follows unless `view.gave_up`.
    """

    view_changed = Signal(object)
    came_up = Signal()
    went_away = Signal(str, str)

    def __init__(self, process: EngineProcess, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.client = client
        self.view = EngineView()
        self._process = process
        self._lost = QTimer(self)
        self._lost.setSingleShot(True)
        self._lost.setInterval(LOST_MS)
        self._lost.timeout.connect(self._on_lost)
        process.listening.connect(self._connect)
        process.died.connect(self._on_died)
        process.gave_up.connect(self._on_gave_up)
        client.connected.connect(self._on_connected)
        client.disconnected.connect(self._on_disconnected)
        client.state_changed.connect(self._on_state)

    def start(self) -> None:
        """Start the engine; also the way back after it was given up."""
        self._show(EngineView(detail="Starting the engine."))
        self._process.start()

    def restart(self) -> None:
        """A fresh engine, on the person's request."""
        self.client.close()
        self._show(EngineView(detail="Restarting the engine."))
        self._process.restart()

    def stop(self) -> None:
        """Hang up and end the engine."""
        self._lost.stop()
        self.client.close()
        self._process.stop()

    def _connect(self, port: int) -> None:
        self._lost.stop()
        self.client.connect_to(port, self._process.token)

    def _on_connected(self, welcome: Welcome) -> None:
        self._show(
            EngineView(detail=f"Engine {welcome.version}, process {welcome.pid}, is loading its models.")
        )
        self.came_up.emit()

    def _on_state(self, state: State) -> None:
        if state.status in ("warm", "busy"):
            self._process.note_healthy()
        self._show(
            EngineView(
                state.status, state.device, state.precision, state.bundle, state.detail, state.devices,
                gave_up=False,
            )
        )  # fmt: skip

    def _on_disconnected(self, sentence: str) -> None:
        if sentence:  # the engine refused us and said why: starting the same one again would not help
            self._process.stop()
            self._on_gave_up(sentence, "")
        else:  # most often it died, and its process says so in a moment; else it has to be replaced
            self._lost.start()

    def _on_lost(self) -> None:
        if self._process.running and not self.client.ready:
            self._show(EngineView(detail="The connection to the engine was lost."))
            self.went_away.emit("The connection to the engine was lost; it is started again.", "")
            self._process.restart()

    def _on_died(self, sentence: str, detail: str) -> None:
        self.client.close()
        self._show(EngineView(detail=f"{sentence} Starting it again."))
        self.went_away.emit(f"{sentence} It is started again.", detail)

    def _on_gave_up(self, sentence: str, detail: str) -> None:
        self.client.close()
        self._show(EngineView(status="failed", detail=sentence, gave_up=True, log=detail))
        self.went_away.emit(sentence, detail)

    def _show(self, view: EngineView) -> None:
        if view != self.view:
            self.view = view
            self.view_changed.emit(view)
