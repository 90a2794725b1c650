"""The library together with real model code: what `TinyEncoder` stands for in the other tests."""

import numpy as np
import pytest
import torch

from core.library.clips import cut, sample_times
from core.library.ingest import ingest
from core.library.library import Library
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
    library.close()
