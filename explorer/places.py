"""Where the window keeps what is its own: its settings, its log, and the libraries that it founds.

Usually the platform's own places; `DRIVESCOPE_HOME` moves all of it into one folder, as it does for the command line
and the engine (`core/paths.py`, which this process does not import).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QSettings, QStandardPaths

HOME_ENVIRONMENT: Final = "DRIVESCOPE_HOME"


def data_folder() -> Path:
    """The log's and the founded libraries' place. Not created here."""
    if home := os.environ.get(HOME_ENVIRONMENT):
        return Path(home) / "data"
    folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation)
    return Path(folder) / "drivescope"


def settings_store(parent: QObject) -> QSettings:
    """The INI file of the settings; Qt makes it, and the folders on the way, at the first one that is set."""
    if home := os.environ.get(HOME_ENVIRONMENT):
        return QSettings(str(Path(home) / "config" / "explorer.ini"), QSettings.Format.IniFormat, parent)
    scope = QSettings.Scope.UserScope
    return QSettings(QSettings.Format.IniFormat, scope, "Drivescope", "explorer", parent)
