"""The engine as a child process: started, watched, restarted, and taken along when the window goes.

The token goes by environment, never by argument, where other users could read it. The engine's first line
on standard output names its port. Our end of its standard input stays open as long as we live: when the
window dies, however it dies, the pipe closes and the engine leaves.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections import deque
from typing import Final

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from core.protocol import TOKEN_ENVIRONMENT
from explorer.logs import log

ENGINE_COMMAND: Final = (sys.executable, "-P", "-m", "core.engine")
"""With -P: a folder called `core` (or a file torch.py) where the person happens to stand is not what is started."""
RESTARTS_IN_A_ROW: Final = 3
BACKOFF_MS: Final = (500, 2000, 5000)
_QUIT_MS: Final = 3000


class EngineProcess(QObject):
    """One engine at a time.

    Signals:
        listening(port): the engine printed where it listens.
        died(sentence, detail): it ended although nobody asked it to; a restart follows.
        gave_up(sentence, detail): it ended too often in a row; `start` tries again.
    """

    listening = Signal(int)
    died = Signal(str, str)
    gave_up = Signal(str, str)

    def __init__(
        self,
        command: tuple[str, ...] = ENGINE_COMMAND,
        parent: QObject | None = None,
        *,
        backoff_ms: tuple[int, ...] = BACKOFF_MS,
    ) -> None:
        super().__init__(parent)
        self.token = ""
        self._command = command
        self._backoff_ms = backoff_ms
        self._failures = 0
        self._announced = False
        self._wanted = False
        self._replacing = False
        self._last_lines: deque[str] = deque(maxlen=40)
        self._process = QProcess(self)
        self._process.readyReadStandardOutput.connect(self._read_announcement)
        self._process.readyReadStandardError.connect(self._read_log)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        self._retry = QTimer(self)
        self._retry.setSingleShot(True)
        self._retry.timeout.connect(self._launch)

    @property
    def running(self) -> bool:
        """Whether there is a process now."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    @property
    def pid(self) -> int:
        """The engine's process number, 0 without one."""
        return int(self._process.processId())

    def start(self) -> None:
        """Start, or start again after giving up."""
        self._wanted = True
        self._failures = 0
        self._retry.stop()
        if not self.running:
            self._launch()

    def restart(self) -> None:
        """A fresh engine: the running one is told to leave, and the next starts when it is gone."""
        if not self.running:
            self.start()
            return
        self._wanted = self._replacing = True
        self._failures = 0
        self._process.closeWriteChannel()
        QTimer.singleShot(_QUIT_MS, self._process, self._kill_if_replacing)

    def note_healthy(self) -> None:
        """The engine works: earlier deaths no longer count."""
        self._failures = 0

    def stop(self) -> None:
        """Close its input, wait a moment, then end it. For the end of the program: this blocks."""
        self._wanted = self._replacing = False
        self._retry.stop()
        if not self.running:
            return
        self._process.closeWriteChannel()
        if not self._process.waitForFinished(_QUIT_MS):
            self._process.kill()
            self._process.waitForFinished(_QUIT_MS)

    def _kill_if_replacing(self) -> None:
        if self._replacing:
            self._process.kill()

    def _launch(self) -> None:
        self._replacing = False
        self.token = secrets.token_hex(32)
        self._announced = False
        self._last_lines.clear()
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert(TOKEN_ENVIRONMENT, self.token)
        self._process.setProcessEnvironment(environment)
        self._process.start(self._command[0], list(self._command[1:]))

    def _read_announcement(self) -> None:
        while self._process.canReadLine():
            line = bytes(self._process.readLine().data()).decode("utf-8", "replace").strip()
            if self._announced or not line:
                continue
            try:
                port = int(json.loads(line)["port"])
            except (ValueError, KeyError, TypeError):
                log.warning("engine said on standard output: %s", line[:500])
                continue
            self._announced = True
            self.listening.emit(port)

    def _read_log(self) -> None:
        text = bytes(self._process.readAllStandardError().data()).decode("utf-8", "replace")
        for line in text.splitlines():
            self._last_lines.append(line)
            log.info("engine: %s", line)

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:  # `finished` never comes then
            self._ended(f"The engine could not be started: {self._process.errorString()}.")

    def _on_finished(self, exit_code: int, exit_status: QProcess.ExitStatus) -> None:
        self._read_log()
        if self._replacing:
            self._launch()
        elif exit_status == QProcess.ExitStatus.CrashExit:
            self._ended("The engine was killed or crashed.")
        elif not self._announced:
            self._ended(f"The engine stopped while it was starting (exit code {exit_code}).")
        else:
            self._ended(f"The engine stopped by itself (exit code {exit_code}).")

    def _ended(self, sentence: str) -> None:
        if not self._wanted:
            return
        detail = "\n".join(self._last_lines)
        if self._failures >= RESTARTS_IN_A_ROW:
            self.gave_up.emit(f"{sentence} It was restarted {self._failures} times in a row.", detail)
            return
        delay_ms = self._backoff_ms[min(self._failures, len(self._backoff_ms) - 1)]
        self._failures += 1
        self.died.emit(sentence, detail)
        self._retry.start(delay_ms)
