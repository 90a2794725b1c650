"""Which crop is best: views are cut as they should be, equal crops are told equal, and three must earn its cost."""

import json

import numpy as np
import pytest

from core.errors import DrivescopeError
from core.evaluate import crops
from core.evaluate.crops import aspect_of, choose, cut_view, look, main, tell
from core.models.bundle_io import random_bundle
from core.models.registry import load_bundle
from tests.core.library.conftest import make_video


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = random_bundle(tmp_path_factory.mktemp("bundle"), frames=2)  # 64 x 36 pixels
    return load_bundle(str(folder), device="cpu", precision="float32")


def test_a_view_is_the_middle():
    picture = np.arange(90 * 160, dtype=np.int64).reshape(90, 160)[..., None].repeat(3, 2)
    narrow, wide = cut_view(picture, 4 / 3), cut_view(picture, 2.0)
    assert narrow.shape == (90, 120, 3)
    assert wide.shape == (80, 160, 3)
    np.testing.assert_array_equal(narrow, picture[:, 20:140])
    np.testing.assert_array_equal(wide, picture[5:85])
    assert cut_view(picture, 16 / 9).shape == picture.shape


def clips(count=4):
    generator = np.random.default_rng(0)
    return [
        (f"{n}", [generator.integers(0, 256, (90, 160, 3), np.uint8) for _ in range(2)]) for n in range(count)
    ]


def test_crops_cost_what_the_towers_see(bundle):
    found = look(bundle, clips(), [16 / 9, 4 / 3])
    assert {crop: seen.images_a_frame for (aspect, crop), seen in found.items() if aspect < 1.5} == {
        "center": 1, "letterbox": 1, "squash": 1, "three": 3,
    }  # fmt: skip
    assert found[16 / 9, "three"].images_a_frame == 1  # the frame has the towers' shape
    assert all(seen.frames == 8 and len(seen.clips) == 4 for seen in found.values())


def test_crops_that_show_the_same_are_told_alike(bundle):
    sets = {"queries": {"a red car": frozenset({1}), "night": frozenset({0, 2})}}
    found = look(bundle, clips(), [16 / 9, 4 / 3])
    same = tell(bundle, {crop: found[16 / 9, crop] for crop in crops.CROPS}, sets)
    assert same["alike"]
    assert same["best"] == bundle.spec.crop
    values = {json.dumps(same["crops"][crop]["queries"]) for crop in crops.CROPS}
    assert len(values) == 1
    other = tell(bundle, {crop: found[4 / 3, crop] for crop in crops.CROPS}, sets)
    assert not other["alike"]
    assert set(other["mean_precision"]) == set(crops.CROPS)
    assert 0 < other["crops"]["three"]["queries"]["mAP"]["value"] <= 1


def test_three_must_earn_its_cost():
    generator = np.random.default_rng(1)
    good = generator.uniform(0.4, 0.8, 100)
    precision = {"center": good - 0.2, "letterbox": good - 0.1, "squash": good}
    barely = good + generator.normal(0.001, 0.1, 100)
    assert choose({**precision, "three": barely})["best"] == "squash"
    clearly = choose({**precision, "three": good + 0.1})
    assert clearly["best"] == "three"
    assert clearly["best_single"] == "squash"
    assert clearly["three_gains"]["low"] == pytest.approx(0.1)


def test_the_command_measures_the_demo(bundle, tmp_path, monkeypatch, capsys):
    shipped = crops.paths.resources() / "demo"
    (tmp_path / "demo").mkdir()
    for number in range(3):
        make_video(tmp_path / "demo" / f"demo_{number:03}.mp4", 1.0, size=(64, 48))
        truth = (shipped / f"demo_{number:03}.json").read_text()
        (tmp_path / "demo" / f"demo_{number:03}.json").write_text(truth)
    (tmp_path / "demo" / "queries.json").write_text(json.dumps([{"query": "a road", "predicate": {}}]))
    monkeypatch.setattr(crops.paths, "resources", lambda: tmp_path)
    monkeypatch.setattr(crops, "load_bundle", lambda name: bundle)
    assert main(["--view", "4:3", "--captions", "1"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["clips"], told["default"]) == (3, "squash")
    assert told["queries"]["captions"] >= 1
    assert set(told["views"]["4:3"]["crops"]) == set(crops.CROPS)
    assert main(["--view", "wide"]) == 2
    assert "no shape of a picture" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["16", "a:b", "1:0", "100:1"])
def test_what_is_no_shape(text):
    with pytest.raises(DrivescopeError, match="no shape"):
        aspect_of(text)
    assert aspect_of("4:3") == pytest.approx(4 / 3)
