"""What distillation is tried on: a tiny bundle, and a library that it made."""

import pytest

from core.models.bundle_io import random_bundle
from core.models.registry import load_bundle
from tests.core.training.captioned_library import make_library


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("DRIVESCOPE_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(random_bundle(tmp_path_factory.mktemp("base") / "base", name="base"))


@pytest.fixture(scope="module")
def bundle(folder):
    return load_bundle(folder, device="cpu", precision="float32")


@pytest.fixture
def library(bundle, tmp_path):
    made = make_library(tmp_path / "library", bundle)
    yield made
    made.close()
