"""A tiny bundle with random weights, made once per test run."""

from pathlib import Path

import pytest

from core.models.bundle import ModelBundle
from core.models.bundle_io import random_bundle
from core.models.device import _fastest
from core.models.registry import load_bundle


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read from or written to the person's own folders."""
    monkeypatch.setenv("DRIVESCOPE_HOME", str(tmp_path / "home"))
    _fastest.cache_clear()


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_bundle(tmp_path_factory.mktemp("bundles") / "random")


@pytest.fixture
def bundle(bundle_folder: Path) -> ModelBundle:
    return load_bundle(str(bundle_folder), device="cpu", precision="float32")
