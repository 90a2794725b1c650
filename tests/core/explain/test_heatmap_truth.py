"""Maps against boxes with numbers counted by hand, and the whole command on a small world."""

import json

import numpy as np
import pytest

from core.explain.geometry import View
from core.explain.heatmap import Heatmap
from core.explain.pointing import Tally, boxes_of, hits_of, measure
from core.explain.truth import main
from core.models.bundle_io import random_bundle
from core.world.truth import ActorTruth, Box, ClipTruth, FrameTruth

WHOLE = (View(0, 0, 1, 1),)


def heatmap(cells, shape=(4, 8), views=WHOLE):
    relevance = np.zeros((len(views), *shape), np.float32)
    for place, value in cells.items():
        relevance[(0, *place)] = value
    return Heatmap("relevance", "x", 0, 0.5, relevance, views)


def box(x0, y0, x1, y1, actor_id=0, *, visible=1.0, distance_m=10.0):
    return Box(actor_id, x0, y0, x1, y1, visible, (x1 - x0) * (y1 - y0), distance_m)


def test_a_peak_inside_is_a_hit_and_energy_is_the_share_inside():
    whole_cells = box(0.25, 0.25, 0.5, 0.75)  # columns 2 and 3, rows 1 and 2: 4 of 32 patches
    found = measure(heatmap({(1, 2): 3.0, (0, 7): 1.0, (3, 3): -2.0}), [whole_cells])
    assert (found.maps, found.hits) == (1, 1)
    mean = (3 + 1 - 2) / 32  # heat is what is above the frame's mean
    assert found.energy == pytest.approx((3 - mean) / (4 - 2 * mean))
    assert found.area == pytest.approx(4 / 32)
    assert measure(heatmap({(1, 2): 1.0, (0, 7): 3.0}), [whole_cells]).hits == 0


def test_tolerance_is_half_a_patch_and_chance_has_the_same():
    small = box(0.49, 0.49, 0.51, 0.51)  # in no patch's centre: four patches meet there
    found = hits_of([small], heatmap({}))
    assert np.argwhere(found[0]).tolist() == [[1, 3], [1, 4], [2, 3], [2, 4]]
    one = measure(heatmap({(2, 4): 1.0}), [small])
    assert (one.hits, one.chance) == (1, 4 / 32)


def test_letterbox_bars_take_no_part():
    bars = View(0, -0.5, 1, 1.5)  # rows 0 and 3 are bars
    one = measure(heatmap({(1, 0): 1.0, (0, 5): 9.0}, views=(bars,)), [box(0, 0, 0.125, 0.5)])
    assert (one.hits, one.energy, one.area) == (1, 1.0, 1 / 16)


def test_kinds_are_asked_for_only_when_they_can_be_made_out():
    kinds = ["car", "dog", "traffic light", "traffic light", "tree"]
    actors = tuple(ActorTruth(n, kind, "red", "traffic", "left") for n, kind in enumerate(kinds))
    frame = FrameTruth(
        0.5, 8.0,
        (
            box(0, 0, 0.5, 0.5), box(0.6, 0.6, 0.61, 0.61, 1), box(0.7, 0, 0.8, 0.2, 2),
            box(0.8, 0, 0.9, 0.2, 3), box(0, 0, 1, 1, 4),
        ),
        {2: "red", 3: "amber"},
    )  # fmt: skip
    clip = ClipTruth(1, 8.0, "city", "day", "fog", "straight", 2, (), actors, (frame,))
    assert set(boxes_of(clip, frame)) == {"car", "red light"}
    far = FrameTruth(0.5, 8.0, (box(0, 0, 0.5, 0.5, distance_m=60.0),), {})
    assert boxes_of(clip, far) == {}


def test_tallies_add_up():
    total = Tally()
    for hit in (1, 0, 1, 1):
        total.add(
            Tally(maps=1, hits=hit, chance=0.125, energy=0.5, area=0.1, faithfulness=[0.2], reliable=hit)
        )
    row = total.row()
    assert (row["pointing"], row["times_chance"], row["reliable"]) == (0.75, 6.0, 0.75)
    assert (row["energy"], row["faithfulness"]) == (pytest.approx(0.5), pytest.approx(0.2))


def test_the_command_reads_shards_and_compares_all_methods(tmp_path, capsys):
    folder = random_bundle(tmp_path / "bundle", height=24, width=32, patch=8)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 12, 24, 32, 3), np.uint8)
    frames = tuple(FrameTruth(t / 2, 8.0, (box(0.2, 0.2, 0.7, 0.7),), {}) for t in range(12))
    bus = ActorTruth(0, "bus", "red", "traffic", "left")
    clip = ClipTruth(1, 8.0, "city", "day", "clear", "straight", 2, (), (bus,), frames)
    world = tmp_path / "world"
    world.mkdir()
    np.savez(world / "shard_00000.npz", frames=pixels, cells=np.zeros((2, 12, 3, 4), np.uint16))
    line = json.dumps({"seed": 1, "truth": clip.to_dict(), "captions": ["a bus"]})
    (world / "shard_00000.jsonl").write_text(f"{line}\n{line}\n")
    assert main(["--world", str(world), "--bundle", str(folder)]) == 0
    out, err = capsys.readouterr()
    methods = json.loads(out)["methods"]
    assert set(methods) == {"agreement", "removal", "relevance", "patches", "value", "rollout"}
    for rows in methods.values():
        assert rows["overall"]["maps"] == rows["kinds"]["bus"]["maps"] == 2 * 4
        assert rows["overall"]["area"] == pytest.approx(0.25, abs=0.05)
        assert 0 <= rows["overall"]["energy"] <= 1
    assert "rollout" in err
    assert main(["--world", str(tmp_path / "bundle"), "--bundle", str(folder)]) == 2
    assert "no clips of the demo world" in capsys.readouterr().err
