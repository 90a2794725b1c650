"""A bundle of random weights for every test of the search."""

import pytest

from core.models.bundle_io import random_bundle
from core.models.registry import load_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = random_bundle(tmp_path_factory.mktemp("bundle") / "random")
    return load_bundle(str(folder), device="cpu", precision="float32")
