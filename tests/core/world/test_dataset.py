"""Training shards: their form, resuming, and what happens when they cannot be written."""

import errno
import json

import numpy as np
import pytest

from core.errors import DrivescopeError, ErrorKind
from core.world import dataset
from core.world.render import Renderer
from core.world.scene import compose
from core.world.truth import ACTOR_KINDS, ClipTruth


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(dataset, "SHARD", 2)
    return dataset


def test_shards_keep_the_contract_and_resume(small, tmp_path, monkeypatch):
    small.make_dataset(tmp_path, 3, 500)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == [f"shard_0000{i}.{end}" for i in (0, 1) for end in ("jsonl", "npz")]
    with np.load(tmp_path / "shard_00000.npz") as shard:
        frames, cells = shard["frames"], shard["cells"]
    assert (frames.shape, frames.dtype) == ((2, 12, 72, 128, 3), np.uint8)
    assert (cells.shape, cells.dtype) == ((2, 12, 9, 16), np.uint16)
    assert frames.std() > 10
    rows = [json.loads(line) for line in (tmp_path / "shard_00000.jsonl").read_text().splitlines()]
    assert [row["seed"] for row in rows] == [500, 501]
    for row in rows:
        truth = ClipTruth.from_dict(row["truth"])
        assert len(truth.frames) == 12
        assert truth.frames[0].time_s == pytest.approx(8 / 24, abs=1e-3)
        assert len(row["captions"]) >= 8

    (tmp_path / "shard_00001.npz").unlink()
    before = (tmp_path / "shard_00000.npz").stat().st_mtime_ns
    drawn = []
    real = dataset.make_clip
    monkeypatch.setattr(dataset, "make_clip", lambda seed, *how: drawn.append(seed) or real(seed, *how))
    small.make_dataset(tmp_path, 3, 500)
    assert drawn == [502]  # only what was missing
    assert (tmp_path / "shard_00000.npz").stat().st_mtime_ns == before


def test_new_captions_from_the_stored_truth_are_those_of_a_new_rendering(small, tmp_path):
    small.make_dataset(tmp_path, 2, 500)
    path = tmp_path / "shard_00000.jsonl"
    made, pixels = path.read_text(), (tmp_path / "shard_00000.npz").read_bytes()
    rows = [json.loads(line) for line in made.splitlines()]
    path.write_text("".join(json.dumps({**row, "captions": ["said before"]}) + "\n" for row in rows))
    assert small.main(["--out", str(tmp_path), "--recaption"]) == 0
    assert path.read_text() == made
    assert small.main(["--out", str(tmp_path), "--recaption", "--rare", "0.5"]) == 0
    rarely = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["truth"] for row in rarely] == [row["truth"] for row in rows]
    assert [row["captions"] for row in rarely] == [
        dataset.make_clip(seed, rare=0.5)[3] for seed in (500, 501)
    ]
    assert path.read_text() != made
    assert small.main(["--out", str(tmp_path), "--recaption"]) == 0
    assert (tmp_path / "shard_00000.npz").read_bytes() == pixels


def test_a_full_disk_is_one_sentence_and_no_half_shard(small, tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(DrivescopeError, match="disk is full") as caught:
        small.make_dataset(tmp_path, 1, 500)
    assert caught.value.kind is ErrorKind.DISK_FULL
    assert not list(tmp_path.glob("*.npz"))
    assert not list(tmp_path.glob("*.part"))


def test_a_file_in_the_way_of_the_folder(tmp_path, caplog):
    (tmp_path / "out").write_text("")
    assert dataset.main(["--out", str(tmp_path / "out"), "--clips", "1"]) == 1
    assert "is not complete" in caplog.text


def test_cells_point_at_the_actor():
    scene = compose(3, road="city", light="day", weather="clear", script="crossing")
    renderer = Renderer(scene, 256, 144, shadow=0)
    frame = renderer.frame(4.0)
    mask = dataset.cells(frame, renderer.owner, scene.truth())
    by_kind: dict[str, list] = {}
    for box in frame.truth.boxes:
        by_kind.setdefault(scene.truth().actor(box.actor_id).kind, []).append(box)
    for bit, kind in enumerate(ACTOR_KINDS):
        rows, columns = np.nonzero(mask & np.uint16(1 << bit))
        boxes = by_kind.get(kind, [])
        assert len(rows) == 0 or boxes
        for row, column in zip(rows, columns, strict=True):
            assert any(
                b.x0 < (column + 1) / 16 and b.x1 > column / 16 and b.y0 < (row + 1) / 9 and b.y1 > row / 9
                for b in boxes
            )
        for box in boxes:
            if box.area > 0.004 and kind in ("car", "pedestrian"):
                y, x = int((box.y0 + box.y1) / 2 * 9), int((box.x0 + box.x1) / 2 * 16)
                around = mask[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
                assert (around & np.uint16(1 << bit)).any()


@pytest.mark.parametrize(
    ("kind", "state", "name"),
    [("car", "", "car"), ("traffic light", "red", "red light"), ("traffic light", "green", "green light")],
)
def test_signals_count_by_their_state(kind, state, name):
    assert ACTOR_KINDS[dataset.cell_bit(kind, state)] == name


def test_amber_and_unknown_kinds_have_no_bit():
    assert dataset.cell_bit("traffic light", "amber") == -1
    assert dataset.cell_bit("spaceship", "") == -1
    assert len(ACTOR_KINDS) <= 16
