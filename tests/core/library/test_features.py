import errno
import json
import os
import resource
import subprocess
import sys

import numpy as np
import pytest
import torch

from core.errors import DrivescopeError, ErrorKind
from core.library.features import MANIFEST, FeatureStore

from .conftest import TinyVectors
from .tiny_spec import TinySpec

FILES = ("student.f16", "frames.f16", "video.f16", "weights.f16", "clip_ids.i64")


def vectors(clips: int, seed: int = 0, spec: TinySpec | None = None) -> TinyVectors:
    spec = spec or TinySpec()
    g = torch.Generator().manual_seed(seed)
    unit = torch.nn.functional.normalize
    return TinyVectors(
        student=unit(torch.randn(clips, spec.student_dim, generator=g), dim=-1),
        frames=unit(torch.randn(clips, spec.frames, spec.reranker_dim, generator=g), dim=-1),
        video=unit(torch.randn(clips, spec.reranker_dim, generator=g), dim=-1),
        frame_weights=torch.softmax(torch.randn(clips, spec.frames, generator=g), dim=-1),
    )


@pytest.fixture
def store(tmp_path):
    return FeatureStore.create(tmp_path / "library" / "features" / "tiny", TinySpec())


def content(store) -> dict[str, bytes]:
    return {name: (store.folder / name).read_bytes() for name in FILES}


def test_what_goes_in_comes_out_as_float16(store):
    first, second = vectors(3, seed=1), vectors(2, seed=2)
    store.append(first, [10, 11, 12])
    store.append(second, [20, 21])
    assert store.rows == 5
    for name, length in (
        ("student", (5, 6)),
        ("frames", (5, 12, 4)),
        ("video", (5, 4)),
        ("frame_weights", (5, 12)),
    ):
        array = getattr(store, name)
        assert (array.shape, array.dtype) == (length, np.float16)
        expected = torch.cat([getattr(first, name), getattr(second, name)]).numpy().astype(np.float16)
        np.testing.assert_array_equal(array, expected)
    assert store.clip_ids.tolist() == [10, 11, 12, 20, 21]


def test_an_empty_store_has_empty_arrays(store):
    assert store.rows == 0
    assert store.student.shape == (0, 6)
    assert store.frames.shape == (0, 12, 4)
    assert store.live_ids().tolist() == []
    store.append(vectors(0), [])
    assert store.refresh() == 0


def test_a_reader_sees_new_rows_when_it_looks_again(store):
    reader = FeatureStore(store.folder, TinySpec()).open()
    generation = reader.refresh()
    store.append(vectors(2), [1, 2])
    assert reader.rows == 0
    assert reader.refresh() != generation
    held = reader.student
    before = held.copy()
    store.append(vectors(40, seed=3), range(3, 43))
    assert reader.refresh() == store.refresh()
    assert reader.rows == 42
    np.testing.assert_array_equal(held, before)  # arrays taken earlier stay valid
    assert reader.refresh() == reader.refresh()


def test_what_a_crash_left_behind_is_overwritten_and_never_read(store, tmp_path):
    store.append(vectors(2, seed=1), [1, 2])
    for name in FILES:
        with (store.folder / name).open("ab") as file:
            file.write(b"\xff" * 1001)  # half rows, as a killed process leaves them
    again = FeatureStore(store.folder, TinySpec()).open()
    assert again.rows == 2
    assert np.isfinite(again.student).all()
    again.append(vectors(3, seed=2), [3, 4, 5])

    clean = FeatureStore.create(tmp_path / "clean", TinySpec())
    clean.append(vectors(2, seed=1), [1, 2])
    clean.append(vectors(3, seed=2), [3, 4, 5])
    assert content(again) == content(clean)


def test_forgotten_clips_keep_their_rows_and_lose_their_number(store):
    store.append(vectors(4), [1, 2, 3, 4])
    generation = store.refresh()
    assert store.forget([2, 4, 99]) == 2
    assert store.refresh() != generation
    assert store.clip_ids.tolist() == [1, -1, 3, -1]
    assert store.live_ids().tolist() == [1, 3]
    store.append(vectors(1, seed=5), [5])
    assert FeatureStore(store.folder, TinySpec()).open().clip_ids.tolist() == [1, -1, 3, -1, 5]
    assert store.forget([]) == 0


def test_another_bundle_is_refused_by_name_with_the_way_out(store):
    other = FeatureStore(store.folder, TinySpec(name="other", crop="letterbox"))
    with pytest.raises(DrivescopeError) as caught:
        other.open()
    assert caught.value.kind is ErrorKind.MISMATCH
    for part in ("library", "tiny (crop center", "other (crop letterbox", "index the footage again"):
        assert part in caught.value.sentence


def test_vectors_of_the_wrong_shape_are_not_taken(store):
    with pytest.raises(ValueError, match="student"):
        store.append(vectors(2, spec=TinySpec(student_dim=5)), [1, 2])
    assert FeatureStore(store.folder, TinySpec()).open().rows == 0


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_too_short_is_said(store, name):
    store.append(vectors(3), [1, 2, 3])
    with (store.folder / name).open("r+b") as file:
        file.truncate(5)
    with pytest.raises(DrivescopeError, match=f"{name} is shorter") as caught:
        FeatureStore(store.folder, TinySpec()).open()
    assert caught.value.kind is ErrorKind.UNREADABLE


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "made_with": {}}', "\x00"])
def test_a_damaged_manifest_is_said(store, text):
    (store.folder / MANIFEST).write_text(text)
    with pytest.raises(DrivescopeError, match="damaged or missing"):
        store.refresh()


def test_a_manifest_of_a_newer_program_is_said(store):
    data = json.loads((store.folder / MANIFEST).read_text())
    (store.folder / MANIFEST).write_text(json.dumps(data | {"format": 2}))
    with pytest.raises(DrivescopeError, match="newer Drivescope") as caught:
        store.refresh()
    assert caught.value.kind is ErrorKind.VERSION


def test_the_manifest_names_what_made_the_vectors(store):
    store.append(vectors(3), [1, 2, 3])
    data = json.loads((store.folder / MANIFEST).read_text())
    assert data["rows"] == 3
    assert data["made_with"]["bundle"] == "tiny"
    assert data["made_with"]["fingerprint"] == TinySpec().fingerprint
    assert data["made_with"]["facts"]["weights_sha256"] == ["0" * 64]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_the_committed_rows(store, monkeypatch, number):
    store.append(vectors(2, seed=1), [1, 2])
    before = store.student.copy()

    def full(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DrivescopeError, match="is full: free some space") as caught:
        store.append(vectors(2, seed=2), [3, 4])
    assert caught.value.kind is ErrorKind.DISK_FULL
    monkeypatch.undo()
    again = FeatureStore(store.folder, TinySpec()).open()
    assert again.clip_ids.tolist() == [1, 2]
    np.testing.assert_array_equal(again.student, before)
    assert not list(store.folder.glob("*.partial")) + list(store.folder.glob(".*"))
    again.append(vectors(2, seed=2), [3, 4])
    assert again.rows == 4


def test_a_real_limit_on_file_size_is_a_full_disk_too(store):
    """The kernel itself refuses the write: no monkeypatch between the store and the disk."""
    store.append(vectors(2, seed=1), [1, 2])
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from tests.core.library.test_features import FeatureStore, TinySpec, vectors\n"
        "from core.errors import DrivescopeError\n"
        "store = FeatureStore(Path(sys.argv[1]), TinySpec()).open()\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (3000, {resource.RLIM_INFINITY}))\n"
        "try:\n    store.append(vectors(500), range(3, 503))\n"
        "except DrivescopeError as error:\n    print(error.kind, error.sentence)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(store.folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("disk_full The disk that holds the library")
    assert FeatureStore(store.folder, TinySpec()).open().clip_ids.tolist() == [1, 2]
