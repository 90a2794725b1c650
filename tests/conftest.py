"""What every room's tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def footage() -> Path:
    """The folder of real driving videos, which is lent for tests and not part of the repository."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "footage"
    folder = Path(os.environ.get("DRIVESCOPE_FOOTAGE") or beside)
    if not (folder / "videos").is_dir():
        pytest.skip(f"real footage is not on this machine (looked in {folder}; set DRIVESCOPE_FOOTAGE)")
    return folder
