"""Small bundles with random weights, and the modules that they were packed from."""

import numpy as np
import pytest

from core.models.backbone import Backbone, ClipDims
from core.models.bundle_io import describe, random_bundle
from core.models.files import read_tensors
from core.models.registry import load_bundle

PATCH_METHODS = ("agreement", "removal", "relevance", "patches", "value", "rollout")


def noise(count=2, size=(36, 64), seed=0):
    """Pictures without anything in them."""
    return list(np.random.default_rng(seed).integers(0, 256, (count, *size, 3), np.uint8))


def modules_of(folder):
    """The towers of a bundle folder as plain modules."""
    backbone = Backbone(ClipDims(**describe(folder)["student"]["clip"]))
    tensors = read_tensors(folder / "student.safetensors")
    own = {k.removeprefix("clip."): v.float() for k, v in tensors.items() if k.startswith("clip.")}
    backbone.load_state_dict(own)
    return backbone.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def vit_folder(tmp_path_factory):
    """Three layers, a grid of 9 x 16 patches: drive-tiny in small."""
    return random_bundle(tmp_path_factory.mktemp("vit") / "wide", seed=3, layers=3)


@pytest.fixture(scope="session")
def vit(vit_folder):
    return load_bundle(str(vit_folder), device="cpu", precision="float32")
