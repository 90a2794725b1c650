"""The library together with real model code: what `TinyEncoder` stands for in the other tests."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.errors import DrivescopeError, ErrorKind
from core.library.clips import cut, sample_times
from core.library.ingest import ingest
from core.library.library import Library
from core.models import packed, preprocess
from core.models.bundle_io import random_bundle
from core.models.registry import load_bundle

from .conftest import every_frame, make_video


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(
        str(random_bundle(tmp_path_factory.mktemp("bundle"))), device="cpu", precision="float32"
    )


def test_stored_vectors_are_the_models_own(bundle, tmp_path):
    path = make_video(tmp_path / "drive.mp4", 6.0, size=(128, 72))
    library = Library.create(tmp_path / "library", bundle.spec)
    report = ingest(library, bundle, [path], clip_seconds=2)
    assert (report.clips, report.failed) == (3, ())
    store = library.features(bundle.spec)
    frames = every_frame(path)
    for row, span in enumerate(cut(6.0, 2.0)):
        shown = [frames[int(time_s * 10 + 1e-6)] for time_s in sample_times(span, bundle.spec.frames)]
        raw = bundle.encode_frames([bundle.prepare(rgb) for rgb in shown])
        expected = bundle.pool(tuple(part[None] for part in raw))
        for name in ("student", "frames", "video", "frame_weights"):
            stored = torch.from_numpy(np.array(getattr(store, name)[row], np.float32))
            torch.testing.assert_close(stored, getattr(expected, name)[0], atol=2e-3, rtol=0)
    assert library.selftest(bundle.spec)["checked"] == 3
    library.close()


def test_the_manifest_tells_how_the_vectors_were_made(bundle, tmp_path):
    library = Library.create(tmp_path / "library", bundle.spec)
    facts = library.made_with.facts
    assert facts["weights_sha256"] == list(bundle.spec.weights_sha256)
    assert facts["quick_gelu"] == bundle.spec.quick_gelu
    assert [p["height"] for p in facts["preprocessing"]] == [36]
    again = load_bundle(library.made_with.reference, device="cpu", precision="float32")
    assert again.spec.fingerprint == library.made_with.fingerprint
    assert "selftest_pair" in facts
    assert "selftest_pair" not in library.made_with.as_dict()["facts"]
    library.close()


def swap_activation(monkeypatch):
    """GELU is run where the file says QuickGELU."""
    for tower in (packed.PackedVision, packed.PackedText):

        def other(self, tensors, dims, *rest, made=tower.__init__):
            made(self, tensors, dataclasses.replace(dims, quick_gelu=False), *rest)

        monkeypatch.setattr(tower, "__init__", other)


def swap_interpolation(monkeypatch):
    def plain(image, height, width, interpolation):
        return functional.interpolate(image, size=(height, width), mode="nearest")

    monkeypatch.setattr(preprocess, "_resize", plain)


def swap_normalisation(monkeypatch):
    """The bundle's text says one mean, the program computes with another."""
    made = packed.PackedVision.__init__

    def other(self, tensors, dims, preprocessing, form):
        made(self, tensors, dims, preprocess.Preprocessing(36, 64, mean=(0.5,) * 3, std=(0.5,) * 3), form)

    monkeypatch.setattr(packed.PackedVision, "__init__", other)


@pytest.fixture(scope="module")
def unproved(tmp_path_factory):
    """A bundle folder that came without known vectors, as a researcher's checkpoint does."""
    folder = random_bundle(tmp_path_factory.mktemp("unproved"), seed=4)
    description = json.loads((folder / "bundle.json").read_text())
    del description["selftest"]
    (folder / "bundle.json").write_text(json.dumps(description))
    return str(folder)


@pytest.mark.parametrize(
    ("swap", "half"),
    [(swap_activation, "picture"), (swap_interpolation, "picture"), (swap_normalisation, "picture")],
)
def test_a_bundle_that_changed_under_its_library_is_refused(unproved, tmp_path, monkeypatch, swap, half):
    first = load_bundle(unproved, device="cpu", precision="float32")
    library = Library.create(tmp_path / "library", first.spec)
    assert library.selftest(first.spec)["pair"] == 2
    swap(monkeypatch)
    now = load_bundle(unproved, device="cpu", precision="float32")
    now.selftest()  # nothing tells the bundle alone
    assert now.spec.fingerprint == library.made_with.fingerprint
    for action in (library.features, library.selftest, lambda spec: Library.create(library.folder, spec)):
        with pytest.raises(
            DrivescopeError, match=rf"no longer gives .* \(the {half} of the self-test"
        ) as caught:
            action(now.spec)
        assert caught.value.kind is ErrorKind.MISMATCH
        assert "index the footage again" in caught.value.sentence
    library.close()


def test_another_number_format_is_no_change(unproved, tmp_path):
    library = Library.create(
        tmp_path / "library", load_bundle(unproved, device="cpu", precision="float32").spec
    )
    for precision in ("bfloat16", "float16"):
        library.features(load_bundle(unproved, device="cpu", precision=precision).spec)
    library.close()


def test_a_library_from_before_the_self_test_was_kept_still_opens(unproved, tmp_path):
    bundle = load_bundle(unproved, device="cpu", precision="float32")
    library = Library.create(tmp_path / "library", bundle.spec)
    (path,) = library.folder.glob("features/*/manifest.json")
    manifest = json.loads(path.read_text())
    del manifest["made_with"]["facts"]["selftest_pair"]
    path.write_text(json.dumps(manifest))
    old = library.reopen()
    assert old.features(bundle.spec).rows == 0
    assert old.selftest(bundle.spec)["pair"] == 0
    old.close()
    library.close()


def test_a_tower_that_was_not_there_is_told(unproved, tmp_path):
    bundle = load_bundle(unproved, device="cpu", precision="float32")
    library = Library.create(tmp_path / "library", bundle.spec)
    bundle.spec.selftest_pair["image1"] = bundle.spec.selftest_pair["image0"]
    with pytest.raises(DrivescopeError, match="no longer gives"):
        library.features(bundle.spec)
    library.close()
