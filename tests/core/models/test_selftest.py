"""Mix-ups that load without complaint are caught by the stored picture and sentence."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from core import paths
from core.errors import DrivescopeError, ErrorKind
from core.files import sha256_of
from core.models.bundle_io import build, describe, random_bundle
from core.models.files import read_tensors
from core.models.registry import load_bundle


@pytest.fixture
def folder(bundle_folder, tmp_path):
    return shutil.copytree(bundle_folder, tmp_path / "bundle")


def edit(folder, change) -> None:
    description = json.loads((folder / "bundle.json").read_text())
    change(description)
    (folder / "bundle.json").write_text(json.dumps(description))


def swap_activation(d):
    d["student"]["clip"]["quick_gelu"] = False


def swap_normalisation(d):
    d["preprocessing"] |= {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def swap_interpolation(d):
    d["preprocessing"]["interpolation"] = "bilinear"


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_an_untouched_bundle_passes(folder, precision) -> None:
    bundle = load_bundle(str(folder), device="cpu", precision=precision)
    bundle.selftest()
    bundle.selftest(bundle.selftest_vectors())


@pytest.mark.parametrize(
    ("change", "half"),
    [
        (swap_activation, "picture|sentence"),
        (swap_normalisation, "picture"),
        (swap_interpolation, "picture"),
    ],
)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_swap_is_caught(folder, change, half, precision) -> None:
    edit(folder, change)
    bundle = load_bundle(str(folder), device="cpu", precision=precision)
    with pytest.raises(
        DrivescopeError, match=f"its ({half}) vector is .* activation or preprocessing"
    ) as caught:
        bundle.selftest()
    assert caught.value.kind is ErrorKind.MISMATCH
    assert "get the bundle again" in caught.value.sentence


def change_weights(folder, change) -> None:
    path = folder / "student.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    edit(folder, lambda d: d["files"].update({"student.safetensors": sha256_of(path)}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t["clip.visual.proj"].zero_(), "no finite numbers|same vector|vector is"),
        (lambda t: t["clip.visual.ln_post.bias"].fill_(float("nan")), "picture vector has no finite numbers"),
        (lambda t: t["clip.token_embedding.weight"].mul_(1.5), "sentence vector is"),
    ],
)
def test_other_weights_are_caught(folder, change, words) -> None:
    change_weights(folder, change)
    with pytest.raises(DrivescopeError, match=words):
        load_bundle(str(folder), device="cpu", precision="float32").selftest()


def test_a_library_made_with_other_weights_is_caught(bundle, tmp_path) -> None:
    other = load_bundle(str(random_bundle(tmp_path / "other", seed=9)), device="cpu", precision="float32")
    with pytest.raises(DrivescopeError, match="away from the stored one"):
        bundle.selftest(other.selftest_vectors())


def test_a_kernel_that_computes_something_else_is_caught(bundle) -> None:
    bundle.towers[0]._packed[0]._projection *= -1
    with pytest.raises(DrivescopeError, match="away from float32"):
        bundle.selftest()


def test_another_crop_is_no_failure(folder) -> None:
    load_bundle(str(folder), device="cpu", precision="float32", crop="letterbox").selftest()


def test_self_test_numbers_are_plain_json(bundle) -> None:
    vectors = json.loads(json.dumps(bundle.selftest_vectors()))
    assert set(vectors) == {"image0", "text0"}
    assert torch.tensor(vectors["image0"]).norm() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("change", [swap_activation, swap_normalisation, swap_interpolation])
def test_the_shipped_bundle_catches_swaps(change) -> None:
    folder = paths.resources() / "weights" / "drive-tiny"
    tensors = {name: read_tensors(folder / name) for name in ("student.safetensors", "reranker.safetensors")}
    description = describe(folder)
    build(folder, description, tensors, torch.device("cpu"), "float32").selftest()
    change(description)
    with pytest.raises(DrivescopeError, match="activation or preprocessing"):
        build(folder, description, tensors, torch.device("cpu"), "float32").selftest()
