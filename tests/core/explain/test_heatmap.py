"""Maps of planted pictures, on every crop, of words and differences, judged alone or together."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.errors import DrivescopeError
from core.explain.heatmap import ClipSight
from core.explain.methods import METHODS
from core.explain.rivals import certainty, rivals_of
from core.explain.targets import Target, difference, phrase, whole_query
from core.explain.vision import open_vision
from core.models.backbone import Backbone, ClipDims
from core.models.bundle_io import random_bundle
from core.models.registry import load_bundle
from core.models.towers import ClipTower, Tower
from core.models.zero_shot import zero_shot_bundle
from tests.core.explain.conftest import PATCH_METHODS, noise


def planted(row, column, patch=4, size=(36, 64)):
    """A grey frame with one red patch, and the same without it."""
    plain = np.full((*size, 3), 90, np.uint8)
    marked = plain.copy()
    marked[row * patch : (row + 1) * patch, column * patch : (column + 1) * patch] = (250, 20, 20)
    return marked, plain


def towards(bundle, marked, plain):
    """The direction in which a frame vector moves when the patch appears: what a text about it would be."""
    prepared = [bundle.prepare(frame) for frame in (marked, plain)]
    with_it, without = functional.normalize(bundle.encode_frames(prepared)[-1], dim=-1)
    return Target("the red patch", functional.normalize(with_it - without, dim=0), torch.zeros_like(without))


@pytest.fixture(scope="module")
def placeless(vit):
    """A tower without position table: all grey patches are alike, so only the planted one can matter."""
    dims = ClipDims(36, 64, 4, 64, 1, 64, 1, 64)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        backbone = Backbone(dims)
    backbone.visual.positional_embedding.data.zero_()
    tower = ClipTower.of(backbone, vit.towers[-1].preprocessing)
    return zero_shot_bundle(vit.spec, tower, torch.device("cpu"), "float32")


@pytest.mark.parametrize("method", ["removal", "relevance", "value"])
@pytest.mark.parametrize("place", [(0, 0), (4, 7), (8, 15), (2, 11)])
def test_the_planted_patch_is_the_peak(placeless, method, place):
    marked, plain = planted(*place)
    target = towards(placeless, marked, plain)
    sight = ClipSight.look(placeless, [marked])
    (one,) = sight.maps(target, method)
    assert one.relevance.shape == (1, 9, 16)
    assert one.relevance.dtype == np.float32
    assert np.unravel_index(one.relevance[0].argmax(), (9, 16)) == place
    y, x = np.unravel_index(one.on_frame(36, 64).argmax(), (36, 64))
    assert (y // 4, x // 4) == place
    (judged,) = sight.faithfulness(target, [one])
    assert judged.reliable
    assert judged.deletion[1] < judged.deletion[0]  # two patches held all of it
    upside_down = dataclasses.replace(one, relevance=-one.relevance)
    assert not sight.faithfulness(target, [upside_down])[0].reliable


def test_frames_judged_alone_or_together_get_the_same_numbers(vit):
    frames, target = noise(3), whole_query(vit, "a bus")
    together = ClipSight.look(vit, frames)
    sight = ClipSight.look(vit, frames)
    maps = sight.maps(target, "removal")
    one_by_one = [sight.faithfulness(target, [maps[number]])[0] for number in (2, 0, 1)]
    for number, alone in zip((2, 0, 1), one_by_one, strict=True):
        other = together.faithfulness(target, maps)[number]
        assert alone.value == pytest.approx(other.value, abs=1e-5)
        assert alone.control == pytest.approx(other.control, abs=1e-5)


@pytest.mark.parametrize("method", PATCH_METHODS)
@pytest.mark.parametrize(("crop", "views"), [("squash", 1), ("center", 1), ("letterbox", 1), ("three", 3)])
def test_every_method_and_crop_gives_finite_maps_on_the_frame(tmp_path, method, crop, views):
    folder = random_bundle(tmp_path / "square", height=24, width=24, patch=8, layers=2, crop=crop)
    bundle = load_bundle(str(folder), device="cpu", precision="float32")
    sight = ClipSight.look(bundle, noise(3, size=(36, 64)))
    assert sight.methods[0] == "agreement"
    assert set(sight.methods) == set(PATCH_METHODS)
    target = whole_query(bundle, "a bus at night")
    maps = sight.maps(target, method)
    assert [m.frame for m in maps] == [0, 1, 2]
    for one in maps:
        assert one.relevance.shape == (views, 3, 3)
        assert np.isfinite(one.relevance).all()
        assert one.heat.min() == 0
        assert one.heat.max() == 1
        assert one.on_frame(36, 64).shape == (36, 64)
    assert np.array_equal(sight.maps(target, method, [1])[0].relevance, maps[1].relevance) or np.allclose(
        sight.maps(target, method, [1])[0].relevance, maps[1].relevance, atol=1e-6
    )
    judged = sight.faithfulness(target, maps)
    vectors = bundle.encode_frames([bundle.prepare(f) for f in noise(3, size=(36, 64))])[-1]
    scores = functional.normalize(vectors, dim=-1) @ target.direction
    sure = certainty(vectors, target.direction, rivals_of(bundle, target))
    for one, found, score, whole in zip(maps, judged, scores, sure, strict=True):
        assert one.score == pytest.approx(float(score), abs=1e-4)
        if crop != "letterbox":  # whose bars are not shown
            assert found.deletion[0] == pytest.approx(float(whole), abs=0.01)
            assert found.insertion[-1] == pytest.approx(float(whole), abs=0.01)


def test_letterbox_bars_bring_nothing(tmp_path):
    folder = random_bundle(tmp_path / "boxed", height=32, width=32, patch=8, crop="letterbox")
    bundle = load_bundle(str(folder), device="cpu", precision="float32")
    sight = ClipSight.look(bundle, noise(1, size=(32, 64)))
    (one,) = sight.maps(whole_query(bundle, "a bus"), "rollout")
    assert (one.relevance[0, [0, 3]] == 0).all()
    assert (one.relevance[0, 1:3] > 0).all()


def test_half_precision_towers_have_the_same_peaks(vit_folder):
    target_text, frames = "a green light", noise(4, seed=9)
    maps = {}
    for precision in ("float32", "bfloat16"):
        bundle = load_bundle(str(vit_folder), device="cpu", precision=precision)
        found = ClipSight.look(bundle, frames).maps(whole_query(bundle, target_text), "relevance")
        maps[precision] = np.stack([m.heat for m in found]).ravel()
    assert np.corrcoef(maps["float32"], maps["bfloat16"])[0, 1] > 0.95


def test_a_phrase_is_read_by_itself(vit):
    one = phrase(vit, "A cyclist crosses the road", 3, 4)
    assert one.name == "the road"
    assert torch.equal(one.direction, vit.encode_text("the road").sentence)
    assert phrase(vit, "a cyclist crosses the road", 1).name == "cyclist"
    with pytest.raises(DrivescopeError, match="5 words"):
        phrase(vit, "a cyclist crosses the road", 5)


def test_a_difference_is_the_one_score_minus_the_other(vit):
    sight = ClipSight.look(vit, noise(2))
    both = difference(vit, "a red car", "a blue bus")
    scores = [
        sight.maps(t, "value")[0].score
        for t in (both, whole_query(vit, "a red car"), whole_query(vit, "a blue bus"))
    ]
    assert scores[0] == pytest.approx(scores[1] - scores[2], abs=1e-5)
    with pytest.raises(DrivescopeError, match="same"):
        difference(vit, "a red car", "a red car")


def test_what_is_not_there_is_said(vit):
    sight = ClipSight.look(vit, noise(1))
    target = whole_query(vit, "a car")
    with pytest.raises(DrivescopeError, match="no heatmap method called 'magic'"):
        sight.maps(target, "magic")
    with pytest.raises(DrivescopeError, match="does not apply"):
        sight.maps(target, "features")
    assert set(METHODS) == {*PATCH_METHODS, "features"}

    class Blind(Tower):
        def place(self, device, dtype): ...
        def encode_images(self, pixels): ...
        def encode_text(self, text, limit, padded): ...

    with pytest.raises(DrivescopeError, match="no heatmaps for Blind"):
        open_vision(Blind(), "Blind")
