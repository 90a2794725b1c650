"""CLIP4Clip, X-CLIP and TeachCLIP give the published code's numbers, and ours give them with padding too."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from core.models import parity
from core.models.backbone import Backbone, ClipDims
from core.models.checkpoints import open_checkpoint
from core.models.clip4clip import Clip4Clip
from core.models.parity_arrays import similarity
from core.models.teachclip import TeachClip
from core.models.xclip import XClip
from tests.core.models import reference

GOLDEN = Path(__file__).parents[2] / "data" / "golden"
FOLDERS = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())


@pytest.mark.parametrize("name", FOLDERS)
def test_every_golden_array_is_reproduced(name, capsys) -> None:
    assert parity.main([str(GOLDEN / name)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"]
    assert report["not_compared"] == []
    arrays = set(np.load(GOLDEN / name / "outputs.npz").files)
    assert set(report["arrays"]) | set(report["given"]) == arrays
    assert all(entry["ok"] for entry in report["arrays"].values())
    assert report["arrays"]["sim"]["max_error"] <= 2e-6


def test_the_student_trains_as_published() -> None:
    arrays = parity.parity(GOLDEN / "teachclip-student-a")["arrays"]
    assert sum(name.startswith("grad:") for name in arrays) >= 6
    assert sum(name.startswith("distill_") for name in arrays) == 20


def change_array(folder: Path, file: str, name: str, change) -> None:
    arrays = dict(np.load(folder / file))
    arrays[name] = change(arrays.get(name))
    np.savez(folder / file, **arrays)


@pytest.mark.parametrize(
    ("file", "name", "change"),
    [
        ("outputs.npz", "sim", lambda a: a + 5e-6 * 100),
        ("outputs.npz", "sim", lambda a: a[:, :-1]),
        ("outputs.npz", "frame_emb", lambda a: np.where(a == a.max(), np.nan, a)),
        ("outputs.npz", "something_new", lambda _: np.zeros(3)),
        ("inputs.npz", "video", lambda a: a[:, :, ::-1]),
    ],
)
def test_a_difference_is_seen(tmp_path, capsys, file, name, change) -> None:
    folder = tmp_path / "golden"
    shutil.copytree(GOLDEN / "clip4clip-seqtransf-a", folder)
    change_array(folder, file, name, change)
    assert parity.main([str(folder)]) == 1
    assert not json.loads(capsys.readouterr().out)["ok"]


def test_another_checkpoint_is_seen(tmp_path, capsys) -> None:
    folder = tmp_path / "golden"
    shutil.copytree(GOLDEN / "xclip-a", folder)
    weights = torch.load(folder / "checkpoint.bin", weights_only=True)
    torch.save({**weights, "frame_mat_weight": weights["frame_mat_weight"].T}, folder / "checkpoint.bin")
    assert parity.main([str(folder)]) == 1  # a transposed matrix
    wrong = [n for n, a in json.loads(capsys.readouterr().out)["arrays"].items() if not a["ok"]]
    assert {"sim", "frame_level_logit"} <= set(wrong)
    assert not {"word_level_logit", "video_word_logits"} & set(wrong)
    del weights["frame_mat_weight"]
    torch.save(weights, folder / "checkpoint.bin")
    assert parity.main([str(folder)]) == 1
    assert "frame_mat_weight differ" in json.loads(capsys.readouterr().out)["error"]


def test_a_missing_folder_is_said_in_json(tmp_path, capsys) -> None:
    assert parity.main([str(tmp_path / "nowhere")]) == 1
    assert "no file" in json.loads(capsys.readouterr().out)["error"]


DIMS = ClipDims(
    image_height=24,
    image_width=24,
    patch=8,
    vision_width=64,
    vision_layers=2,
    text_width=128,  # two heads in the text tower and in the temporal transformer
    text_layers=2,
    embed_dim=128,
    context=20,
    vocabulary=50,
)


def random_model(kind: str) -> Clip4Clip:
    """Small embeddings, so that an epsilon matters; every bias, gain and matrix is non-trivial."""
    torch.manual_seed(7)
    clip = Backbone(DIMS)
    sizes = {"width": 128, "positions": 20}
    model = {
        "meanP": lambda: Clip4Clip(clip, header="meanP", **sizes),
        "seqTransf": lambda: Clip4Clip(clip, temporal_layers=2, **sizes),
        "seqLSTM": lambda: Clip4Clip(clip, header="seqLSTM", **sizes),
        "TeachCLIP": lambda: TeachClip(clip, temporal_layers=2, **sizes),
        "X-CLIP": lambda: XClip(clip, temporal_layers=2, words=9, frames=5, **sizes),
    }[kind]()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name != "clip.logit_scale":
                parameter += 0.05 * torch.randn_like(parameter)
        clip.visual.proj *= 0.1
        clip.text_projection *= 0.1
    return model.eval()


@pytest.mark.parametrize("kind", ["meanP", "seqTransf", "seqLSTM", "TeachCLIP", "X-CLIP"])
def test_padded_frames_agree_with_an_independent_derivation(kind, tmp_path) -> None:
    model = random_model(kind)
    # as a file: what is recognised must be what was written
    torch.save(model.state_dict(), tmp_path / "model.bin")
    checkpoint = open_checkpoint(tmp_path / "model.bin")
    assert checkpoint.head == kind
    loaded = checkpoint.module()
    rng = np.random.default_rng(1)
    ids = rng.integers(1, 48, (3, 9))
    for row, end in zip(ids, (1, 5, 8), strict=True):
        row[0], row[end], row[end + 1 :] = 48, 49, 0
    video = rng.standard_normal((3, 5, 3, 24, 24)).astype(np.float32)
    mask = np.array([[1, 1, 1, 1, 1], [1, 0, 0, 0, 0], [1, 1, 1, 0, 0]])
    video[mask == 0] = 0
    wanted = reference.similarity(
        {name: tensor.numpy() for name, tensor in model.state_dict().items()}, ids, video, mask
    )
    with torch.no_grad():
        sentences, words = loaded.clip.encode_text(torch.from_numpy(ids))
        frames = loaded.clip.encode_image(torch.from_numpy(video).flatten(0, 1)).view(3, 5, -1)
        ours = similarity(loaded, sentences, words, frames, torch.from_numpy(mask))
    ours = ours / loaded.clip.logit_scale.exp()
    assert np.abs(ours.detach().numpy() - wanted).max() <= 2e-6


def test_the_reference_reproduces_a_golden_itself() -> None:
    folder = GOLDEN / "xclip-a"
    weights = torch.load(folder / "checkpoint.bin", weights_only=True)
    arrays, golden = np.load(folder / "inputs.npz"), np.load(folder / "outputs.npz")
    scores = reference.similarity(
        {name: tensor.float().numpy() for name, tensor in weights.items()},
        arrays["input_ids"][:2, 0],
        arrays["video"][:2, 0, :, 0],
        arrays["video_mask"][:2, 0],
    )
    assert np.abs(scores - golden["sim"][:2, :2] / golden["logit_scale_exp"]).max() <= 2e-6
