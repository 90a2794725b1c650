"""Where things lie on this machine: shipped resources, the user's cache, model weights, logs.

`DRIVESCOPE_HOME` moves everything that the program writes outside a library into one folder (tests, portable
installations); otherwise the platform's own places are used.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import platformdirs

from core.errors import DrivescopeError, ErrorKind

HOME_ENVIRONMENT: Final = "DRIVESCOPE_HOME"
DEMO_NAME: Final = "demo"
"""What a person writes for the bundled demo library wherever a library folder is asked for."""


def resources() -> Path:
    """The folder of shipped data (weights, demo clips, icons), beside the packages."""
    return Path(__file__).resolve().parent.parent / "resources"


def cache_folder() -> Path:
    """What can be made again: the demo library. Not created here."""
    home = os.environ.get(HOME_ENVIRONMENT)
    return Path(home) / "cache" if home else Path(platformdirs.user_cache_dir("drivescope", False))


def data_folder() -> Path:
    """What a person would miss: downloaded and distilled bundles. Not created here."""
    home = os.environ.get(HOME_ENVIRONMENT)
    return Path(home) / "data" if home else Path(platformdirs.user_data_dir("drivescope", False))


def library_folder(name: str) -> Path:
    """The folder that `--library` names: a path, or `demo` for the bundled demo library's place.

    Raises DrivescopeError(BAD_INPUT) for an empty name, which would mean whatever folder one is in.
    """
    if not name.strip():
        raise DrivescopeError(ErrorKind.BAD_INPUT, "The library's name is empty: name a folder.")
    if name == DEMO_NAME:
        return cache_folder() / "demo-library"
    return Path(name).expanduser()
