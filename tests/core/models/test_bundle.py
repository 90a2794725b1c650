"""A bundle folder gives vectors of the promised shapes, and says so when something is wrong."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError

from core.errors import DrivescopeError, ErrorKind
from core.models.bundle import ModelBundle
from core.models.files import write_tensors
from core.models.preprocess import Preprocessing
from core.models.registry import load_bundle
from tests.core.models import reference


def frames_of(count: int, height: int = 90, width: int = 160) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(count)]


def test_shapes_units_and_weights(bundle: ModelBundle) -> None:
    prepared = [bundle.prepare(rgb) for rgb in frames_of(24)]
    raw = bundle.encode_frames(prepared)
    clips = bundle.pool(tuple(t.view(2, 12, -1) for t in raw))
    assert clips.student.shape == (2, 64)
    assert clips.frames.shape == (2, 12, 64)
    for unit in (clips.student, clips.frames, clips.video):
        assert torch.allclose(unit.norm(dim=-1), torch.ones(unit.shape[:-1]), atol=1e-5)
    assert torch.allclose(clips.frame_weights.sum(1), torch.ones(2), atol=1e-6)
    query = bundle.encode_text("a red car")
    assert query.words.shape == (5, 64)
    assert query.word_texts[1:4] == ("a", "red", "car")
    scores = bundle.rerank(query, clips.frames.half(), clips.video.half())
    assert scores.parts.shape == (2, 4)
    assert torch.allclose(scores.score, scores.parts.mean(1))
    bundle.selftest()


def test_long_queries_report_the_cut_words(bundle: ModelBundle) -> None:
    query = bundle.encode_text(" ".join(f"car{i}" for i in range(2000)))
    assert len(query.words) == 32
    assert query.cut_words[-1] == "car1999"
    kept = 2000 - len(query.cut_words)
    assert query.cut_words[0] == f"car{kept}"
    assert bundle.encode_text("a b").cut_words == ()


def test_queries_are_remembered(bundle: ModelBundle) -> None:
    first = bundle.encode_text("a bus")
    assert bundle.encode_text("a bus") is first


def test_damaged_folders_are_refused_in_words(bundle_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(bundle_folder, folder)
    description = json.loads((folder / "bundle.json").read_text())
    (folder / "student.safetensors").write_bytes(b"nothing")
    with pytest.raises(DrivescopeError, match="not a whole safetensors file") as caught:
        load_bundle(str(folder), device="cpu", precision="float32")
    assert caught.value.kind is ErrorKind.UNREADABLE
    shutil.copy(folder / "reranker.safetensors", folder / "student.safetensors")
    with pytest.raises(DrivescopeError, match=r"not the file that bundle\.json describes"):
        load_bundle(str(folder), device="cpu", precision="float32")
    del description["student"]["width"]
    shutil.copy(bundle_folder / "student.safetensors", folder)
    (folder / "bundle.json").write_text(json.dumps(description))
    with pytest.raises(DrivescopeError, match="incomplete"):
        load_bundle(str(folder), device="cpu", precision="float32")
    (folder / "bundle.json").write_text("{")
    with pytest.raises(DrivescopeError, match="not readable JSON"):
        load_bundle(str(folder), device="cpu", precision="float32")
    with pytest.raises(DrivescopeError, match="no bundle 'nowhere'"):
        load_bundle("nowhere")


@pytest.mark.parametrize(
    ("error", "words", "kind"),
    [
        (
            SafetensorError("Io: No space left on device (os error 28)"),
            "The disk is full",
            ErrorKind.DISK_FULL,
        ),
        (
            SafetensorError("Io: Permission denied (os error 13)"),
            "may not be written",
            ErrorKind.NO_PERMISSION,
        ),
        (OSError(28, "No space left on device"), "The disk is full", ErrorKind.DISK_FULL),
    ],
)
def test_a_bundle_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch, error, words, kind) -> None:
    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr("safetensors.torch.save_file", fail)
    with pytest.raises(DrivescopeError, match=words) as caught:
        write_tensors(tmp_path / "student.safetensors", {"a": torch.zeros(3)})
    assert caught.value.kind is kind
    assert list(tmp_path.iterdir()) == []


def test_three_crops_are_averaged_and_mixed_with_single_ones(bundle_folder: Path) -> None:
    bundle = load_bundle(str(bundle_folder), device="cpu", precision="float32", crop="three")
    wide, fitting = frames_of(1, 36, 200)[0], frames_of(1, 36, 64)[0]
    prepared = [bundle.prepare(rgb) for rgb in (wide, fitting, wide)]
    assert [len(views[0]) for views in prepared] == [3, 1, 3]
    (vectors,) = bundle.encode_frames(prepared)
    assert vectors.shape == (3, 64)
    each = bundle.towers[0].encode_images(prepared[0][0])
    assert torch.allclose(vectors[0], each.mean(0), atol=1e-6)
    assert torch.allclose(vectors[0], vectors[2], atol=1e-6)
    assert bundle.encode_frames([])[0].shape == (0, 64)


def test_trained_frames_bound_the_number_of_frames(bundle_folder: Path) -> None:
    six = load_bundle(str(bundle_folder), device="cpu", precision="float32", frames=6)
    raw = six.encode_frames([six.prepare(rgb) for rgb in frames_of(6)])
    assert six.pool((raw[0][None],)).frames.shape == (1, 6, 64)
    with pytest.raises(DrivescopeError, match="12 frames per clip and takes no more"):
        load_bundle(str(bundle_folder), device="cpu", precision="float32", frames=13)
    with pytest.raises(DrivescopeError, match="pools 6 frames per clip, not 5"):
        six.pool((raw[0][None, :5],))


def test_reranking_agrees_with_a_plain_reference(bundle: ModelBundle) -> None:
    """Own training masks padding: the reference sees the real words alone, loop by loop."""
    raw = bundle.encode_frames([bundle.prepare(rgb) for rgb in frames_of(36)])[0].view(3, 12, -1)
    clips = bundle.pool((raw,))
    query = bundle.encode_text("a red car in the rain")
    scores = bundle.rerank(query, clips.frames, clips.video)
    weights = {name: value.double().numpy() for name, value in bundle.reranker.state_dict().items()}
    n = len(query.words)
    for name in ("word_logit_weight", "word_mat_weight", "word_mat_weight2"):
        weights[name] = weights[name][:n, :n]
    for k in range(3):
        wanted = reference.xclip_score(
            query.sentence.double().numpy(),
            query.words.double().numpy(),
            clips.frames[k].double().numpy(),
            clips.video[k].double().numpy(),
            weights,
        )
        assert float(scores.score[k]) == pytest.approx(wanted, abs=1e-5)
    assert bundle.rerank(query, clips.frames[:0], clips.video[:0]).parts.shape == (0, 4)


def test_the_best_frame_answers_the_sentence_and_a_word_of_it(bundle: ModelBundle) -> None:
    query = bundle.encode_text("a red car")
    word = query.words[(query.words @ query.sentence).argmin()]
    beside = torch.linalg.svd(query.words).Vh[-1]  # (D,) what no word has anything of
    near = float(word @ query.sentence) + 0.02  # a little nearer to the sentence than the word is
    assert near < 0.95
    by_sentence = near * query.sentence + (1 - near**2) ** 0.5 * beside
    frames = torch.stack([beside] * 5 + [by_sentence] + [beside] * 3 + [word] + [beside] * 2)[
        None
    ]  # (1, 12, D)
    assert int((frames[0] @ query.sentence).argmax()) == 5
    assert bundle.rerank(query, frames, frames[:, 0]).best_frame.tolist() == [9]


@pytest.mark.parametrize(
    "change",
    [
        {"weights_sha256": ("a", "b")},
        {"crop": "center"},
        {"frames": 6},
        {"quick_gelu": False},
        {"preprocessing": (Preprocessing(36, 64, interpolation="bilinear"),)},
        {"frame_lengths": (9.0, 9.0)},
    ],
)
def test_whatever_changes_a_vector_changes_the_fingerprint(bundle: ModelBundle, change) -> None:
    spec = bundle.spec
    assert dataclasses.replace(spec, **change).fingerprint != spec.fingerprint
    renamed = dataclasses.replace(spec, name="x", title="x", label="x", note="x", reference="x")
    assert renamed.fingerprint == spec.fingerprint


def test_the_models_page_lists_bundles_trained_here(bundle_folder: Path) -> None:
    from core.models.registry import available_bundles, distilled_folder

    shutil.copytree(bundle_folder, distilled_folder() / "mine")
    (distilled_folder() / "damaged").mkdir()
    (distilled_folder() / "damaged" / "bundle.json").write_text('{"format": 1}')
    rows = {row.name: row for row in available_bundles()}
    assert rows["distilled:mine"].present
    assert rows["distilled:mine"].input_size == "36x64"
    assert not rows["distilled:damaged"].present
    assert "incomplete" in rows["distilled:damaged"].note
    assert (
        load_bundle("distilled:mine", device="cpu", precision="float32").spec.label
        == "random weights, for tests"
    )


def test_another_crop_has_another_fingerprint(bundle_folder: Path) -> None:
    squash = load_bundle(str(bundle_folder), device="cpu", precision="float32")
    center = load_bundle(str(bundle_folder), device="cpu", precision="float32", crop="center")
    assert squash.spec.feature_id != center.spec.feature_id
    assert squash.spec.feature_id.startswith("random-")
