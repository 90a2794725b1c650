"""Where defects go: a log file, never a traceback in front of a person."""

from __future__ import annotations

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Final

from PySide6.QtCore import (
    QMessageLogContext,
    QObject,
    QtMsgType,
    Signal,
    qInstallMessageHandler,
)

from explorer.places import data_folder

log = logging.getLogger("drivescope.explorer")
_LEVELS: Final = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class Defects(QObject):
    """Unhandled exceptions of this process.

    Signals:
        defect_found(sentence, detail): once per exception; the message bar shows the sentence.
    """

    defect_found = Signal(str, str)


def log_file() -> Path:
    """The log's place, in the user's own data folder."""
    return data_folder() / "explorer.log"


def install(defects: Defects) -> None:
    """Send Python's unhandled exceptions and Qt's messages to the log; tell `defects` of the former."""
    try:
        log_file().parent.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = RotatingFileHandler(
            log_file(), maxBytes=500_000, backupCount=2, encoding="utf-8"
        )
    except OSError:  # a read-only home must not keep the window shut
        handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False

    def exception_hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.exit(130)
        log.critical("unhandled exception", exc_info=(kind, error, trace))
        defects.defect_found.emit(
            "Something went wrong in the window; it goes on, and the log has the details.",
            f"{kind.__name__}: {error}\nLog: {log_file()}",
        )

    def qt_message(level: QtMsgType, context: QMessageLogContext, text: str) -> None:
        log.log(_LEVELS.get(level, logging.WARNING), "Qt %s: %s", context.category or "default", text)

    sys.excepthook = exception_hook
    qInstallMessageHandler(qt_message)
