"""The small parts: lanes, visible patches, augmentation, schedule, batches, metrics, texts, concepts, shards."""

import random

import numpy as np
import pytest
import torch

from core.errors import DrivescopeError, ErrorKind
from core.training import augment
from core.training.concepts import ABSENT, ACTORS, EGO, EVENTS, SCENE, facts_of, make_query, say, sayable
from core.training.dataset import (
    clips_of_step,
    frames_of_step,
    generator_of,
    join,
    load_clips,
    same_caption,
)
from core.training.evaluate import answer_table, expected_ranks, recall_table
from core.training.lanes import Lanes
from core.training.losses import presence, query_nce
from core.training.names import KINDS, MOMENTS, columns_of, moments_of
from core.training.optimiser import make_optimiser, rate_at, take_step
from core.training.recipe import TeacherRecipe
from core.training.teacher import new_teacher
from core.training.texts import UNKNOWN, Texts, settle_unknown_words
from core.training.vision import encode_visible, visible_patches
from core.world import truth as world
from core.world import wording_rare
from tests.core.training.toy import toy_clips, toy_recipe, toy_truth, write_toy_shards


@pytest.fixture(scope="module")
def towers():
    return new_teacher(toy_recipe()).clip


def test_the_training_forward_is_the_towers_own(towers):
    images = torch.randn(3, 3, 16, 32, generator=torch.Generator().manual_seed(0))
    frame, patches = towers.encode_image(images, return_patches=True)
    ours = encode_visible(towers, images)
    torch.testing.assert_close(ours[:, 0], frame, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours[:, 1:], patches, rtol=1e-4, atol=1e-5)
    everything = torch.arange(32).expand(3, -1)
    torch.testing.assert_close(encode_visible(towers, images, everything), ours)
    few = visible_patches(torch.arange(32).expand(3, -1) == 5, 0.25, torch.Generator().manual_seed(1))
    assert few.shape == (3, 8)
    assert bool((few == 5).any(dim=1).all())  # what is wanted stays
    assert bool((few.diff(dim=1) > 0).all())  # sorted and distinct
    assert encode_visible(towers, images, few).shape == (3, 9, 64)


@pytest.mark.parametrize("count", [1, 2])
def test_lanes_give_the_gradients_of_one_plain_pass(towers, count):
    images = torch.randn(7, 3, 16, 32, generator=torch.Generator().manual_seed(0))
    target = torch.randn(7, 33, 64, generator=torch.Generator().manual_seed(1))
    parameters = list(towers.visual.parameters())
    plain = torch.autograd.grad((encode_visible(towers, images) * target).sum(), parameters)
    lanes = Lanes(count, chunk=2)
    lap = lanes.forward(lambda part, start: encode_visible(towers, part), images)
    torch.autograd.backward((lap.features * target).sum())
    lanes.backward([lap])
    lanes.close()
    for one, parameter in zip(plain, parameters, strict=True):
        torch.testing.assert_close(parameter.grad, one, rtol=1e-3, atol=1e-4)
    towers.zero_grad()


def test_a_shift_moves_pixels_and_labels_together_and_never_mirrors():
    frames = torch.arange(8).repeat_interleave(4).view(1, 1, 1, 1, 32).expand(1, 2, 3, 4, 32)
    cells = torch.arange(8).view(1, 1, 1, 8).expand(1, 2, 1, 8)
    for seed in range(12):
        moved, labels = augment.shift(frames, cells, 4, torch.Generator().manual_seed(seed), most=8)
        assert bool((moved.diff(dim=-1) >= 0).all())  # still rising from left to right
        kept = labels[0, 0, 0] > 0
        shown = moved[0, 0, 0, 0, 2::4]  # the middle pixel of each cell
        assert bool(((shown - labels[0, 0, 0]).abs() <= 1)[kept].all())


def test_light_is_one_draw_per_clip_and_turns_around_mid_grey():
    gain, lift = augment.light(500, 0.2, torch.Generator().manual_seed(0))
    assert gain.shape == lift.shape == (500,)
    assert 0.8 <= float(gain.min()) < 0.85 < 1.15 < float(gain.max()) <= 1.2
    grey = (
        gain * 127.5 + lift
    )  # contrast leaves it alone, brightness moves it by at most a fifth of the half range
    assert 0 < float((grey - 127.5).abs().max()) <= 0.2 * 127.5 + 1e-3
    still, none = augment.light(3, 0.0, torch.Generator())
    assert still.tolist() == [1, 1, 1]
    assert none.tolist() == [0, 0, 0]


def test_schedule_rises_then_falls():
    rates = [rate_at(step, 100, 0.1, 0.01) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.01, abs=1e-3)


def test_matrices_do_not_decay_scale_is_held_and_a_broken_batch_changes_nothing():
    teacher = new_teacher(toy_recipe())
    optimiser = make_optimiser(teacher.named_parameters(), 1e-3, 0.5, {"position": 1e-2})
    decay = {id(p): g["weight_decay"] for g in optimiser.param_groups for p in g["params"]}
    rate = {id(p): g["peak"] for g in optimiser.param_groups for p in g["params"]}
    assert decay[id(teacher.global_mat_weight)] == 0
    assert decay[id(teacher.clip.token_embedding.weight)] == 0
    assert decay[id(teacher.clip.visual.proj)] == 0.5
    assert rate[id(teacher.frame_position_embeddings.weight)] == 1e-2
    with torch.no_grad():
        teacher.clip.logit_scale.fill_(9.0)
    before = teacher.global_mat_weight.detach().clone()
    teacher.global_mat_weight.grad = torch.full_like(before, float("nan"))
    take_step(optimiser, 1.0, 1.0, teacher.clip.logit_scale)
    assert torch.equal(teacher.global_mat_weight, before)
    assert teacher.clip.logit_scale.item() == pytest.approx(np.log(100))


def test_every_epoch_shows_every_clip_once():
    seen = [clip for step in range(5) for clip in clips_of_step(20, 4, seed=3, step=step)]
    assert sorted(seen) == list(range(20))
    assert clips_of_step(20, 4, 3, 7) == clips_of_step(20, 4, 3, 7)
    assert clips_of_step(20, 4, 3, 7) != clips_of_step(20, 4, 4, 7)
    assert sorted(clips_of_step(3, 8, 1, 0)) == [0, 1, 2]


@pytest.mark.parametrize(("frames", "count"), [(12, 3), (12, 5), (12, 12), (4, 1)])
def test_frames_come_in_order_one_from_each_part(frames, count):
    drawn = frames_of_step(200, frames, count, generator_of(1, 1))
    assert drawn.shape == (200, count)
    assert int(drawn.min()) >= 0
    assert int(drawn.max()) < frames
    assert count == 1 or bool((drawn.diff(dim=1) > 0).all())
    assert len(drawn.unique()) == frames  # every frame has its turn


def test_same_captions_are_known():
    assert same_caption(["a", "b", "a"]).int().tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 1]]


def test_ranks_by_hand_with_ties_and_without_numbers():
    scores = torch.tensor([[0.9, 0.1, 0.5], [0.5, 0.5, 0.5], [0.3, 0.2, float("nan")]])
    assert expected_ranks(scores).tolist() == [1.0, 2.0, 3.0]
    table = recall_table(scores)
    assert table["R@1"] == pytest.approx(100 / 3)
    assert table["MdR"] == 2
    assert table["MnR"] == 2


def test_average_precision_by_hand():
    scores = torch.tensor([[0.9, 0.8, 0.7, 0.6], [0.1, 0.9, 0.2, 0.3]])
    relevant = torch.tensor([[True, False, True, False], [True, False, False, False]])
    table = answer_table(scores, relevant)
    assert table["mAP"] == pytest.approx(100 * ((1 + 2 / 3) / 2 + 1 / 4) / 2)
    assert table["hit@1"] == 50
    assert table["hit@5"] == 100


def test_query_contrast_against_a_loop():
    logits = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    relevant = torch.tensor([[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]], dtype=torch.bool)
    slow = 0.0
    for row, mask in zip(logits, relevant, strict=True):
        wrong = sum(np.exp(x.item()) for x, m in zip(row, mask, strict=True) if not m)
        each = [
            -np.log(np.exp(x.item()) / (np.exp(x.item()) + wrong))
            for x, m in zip(row, mask, strict=True)
            if m
        ]
        slow += sum(each) / len(each) / 3
    logits.requires_grad_()
    loss = query_nce(logits, relevant)
    loss.backward()
    assert loss.item() == pytest.approx(slow, abs=1e-5)
    assert bool(torch.isfinite(logits.grad).all())


def test_presence_by_hand():
    loss = presence(
        torch.zeros(2, 2),
        torch.tensor(0.0),
        torch.zeros(2),
        torch.tensor([[True, False], [False, False]]),
        torch.tensor([3.0, 1.0]),
    )
    assert loss.item() == pytest.approx(np.log(2) * (3 + 1 + 1 + 1) / 2)


def test_unknown_words_are_replaced_masked_and_settled(towers):
    texts = Texts(16)
    ids, mask = texts.batch(["a dog in the rain", "a dog"])
    assert ids.shape == mask.shape == (2, 7)
    assert ids[1].tolist()[4:] == [0, 0, 0]
    hidden, _ = texts.batch(["a dog in the rain"], 1.0, torch.Generator().manual_seed(0))
    assert hidden[0].tolist() == [49406, *[UNKNOWN] * 5, 49407]
    long, _ = texts.batch(["word " * 100])
    assert long.shape == (1, 16)
    assert int(long[0, -1]) == 49407
    changed = settle_unknown_words(towers, texts.used)
    weight = towers.token_embedding.weight
    assert changed == 49408 - int(texts.used.sum()) - 1
    assert torch.equal(weight[12345], weight[UNKNOWN])
    assert not torch.equal(weight[ids[0, 1]], weight[UNKNOWN])


def test_words_of_the_world_are_all_sayable():
    rng = random.Random(0)
    assert tuple(ACTORS) == world.ACTOR_KINDS  # the order of the bits in the cells
    for slot, values in (("road", world.ROADS), ("light", world.LIGHTS), ("weather", world.WEATHERS)):
        assert {(slot, value) for value in values} <= set(SCENE)
    assert {("ego", value) for value in world.MANOEUVRES} == set(EGO)
    assert set(EVENTS) <= set(world.EVENTS)
    assert {name for name in world.EVENTS if not name.startswith("ego ")} == set(EVENTS)
    for fact in (
        *SCENE,
        *EGO,
        ("event", "oncoming", "bus", "red"),
        ("actor", "ambulance"),
        ("event", "lead brakes"),
    ):
        assert sayable(fact)
        for _ in range(8):
            words = say(fact, rng)
            assert "{" not in words
            assert words == words.strip()
    assert say(("actor", "ambulance"), random.Random(1)).startswith("an ")
    assert not sayable(("event", "ego stops"))
    assert not sayable(("actor", "unicorn"))


def test_a_fact_is_said_in_rarer_words_as_often_as_asked_and_never_unasked():
    rain, bus = ("weather", "rain"), ("event", "oncoming", "bus", "red")
    plainly = {say(rain, random.Random(n)) for n in range(60)}
    rarely = {say(rain, random.Random(n), rare=1.0) for n in range(60)}
    assert plainly == set(SCENE[rain])
    assert rarely == set(wording_rare.WEATHER["rain"])
    mixed = [say(rain, random.Random(n), rare=0.5) in rarely - plainly for n in range(400)]
    assert 0.4 < sum(mixed) / len(mixed) < 0.6
    for n in range(60):
        words = say(bus, random.Random(n), rare=1.0)
        assert any(noun in words for noun in wording_rare.NOUNS["bus"])
        assert any(tone in words for tone in ("red", *wording_rare.COLOURS["red"]))
        assert "{" not in words
    cone = ("actor", "cone")  # which has no rarer words
    assert {say(cone, random.Random(n), rare=1.0) for n in range(20)} == {
        say(cone, random.Random(n)) for n in range(20)
    }
    for fact in (*SCENE, *EGO, *(("event", name) for name in EVENTS), ("event", "crosses from left", "dog")):
        assert "{" not in say(fact, random.Random(3), rare=1.0)


def test_facts_agree_with_the_worlds_own_predicate():
    for seed in range(30):
        truth = toy_truth(seed)
        for fact in facts_of(truth):
            slot, *values = fact
            if slot == "actor":
                predicate = {"actors": [dict(zip(("kind", "colour"), values, strict=False))]}
            elif slot == "event":
                predicate = {"events": [dict(zip(("name", "kind", "colour"), values, strict=False))]}
            else:
                predicate = (
                    {"without": list(ABSENT[values[0]][0])} if slot == "without" else {slot: values[0]}
                )
            assert world.matches(truth, predicate), fact


def test_a_made_query_holds_for_its_clip():
    rng = random.Random(5)
    clips = toy_clips(20)
    lengths = set()
    for facts in clips.facts:
        words, needs = make_query(facts, rng)
        assert words
        assert needs
        assert needs <= facts
        lengths.add(len(needs))
    assert lengths == {1, 2, 3}


def test_shards_are_read_in_order_and_cut(tmp_path):
    write_toy_shards(tmp_path, 20)
    (tmp_path / "shard_00009.npz").write_bytes(b"half written")  # no .jsonl yet: not finished
    clips = load_clips(tmp_path)
    assert len(clips) == 20
    plain = toy_clips(20)
    assert torch.equal(clips.frames, plain.frames)
    assert torch.equal(clips.cells, plain.cells)
    assert clips.facts == plain.facts
    assert clips.captions == plain.captions
    assert len(load_clips(tmp_path, 10)) == 10
    few = clips.first(3)
    assert len(few) == len(few.captions) == len(few.truths) == len(few.facts) == len(few.cells) == 3


def test_bad_dataset_folders_are_said_plainly(tmp_path):
    with pytest.raises(DrivescopeError, match="no finished shards") as caught:
        load_clips(tmp_path / "nowhere")
    assert caught.value.kind == ErrorKind.NOT_FOUND
    write_toy_shards(tmp_path, 16)
    with pytest.raises(DrivescopeError, match="at least two clips"):
        load_clips(tmp_path, 1)
    lines = (tmp_path / "shard_00001.jsonl").read_text()
    for bad in (lines[: len(lines) // 2], "", "[]\n" * 8, "{}\n" * 8):
        (tmp_path / "shard_00001.jsonl").write_text(bad)
        with pytest.raises(DrivescopeError, match=r"shard_00001\.npz is damaged"):
            load_clips(tmp_path)
    (tmp_path / "shard_00001.jsonl").write_text(lines)
    whole = (tmp_path / "shard_00001.npz").read_bytes()
    for bad_bytes in (b"", b"PK\x03\x04nothing", whole[:200]):
        (tmp_path / "shard_00001.npz").write_bytes(bad_bytes)
        with pytest.raises(DrivescopeError, match="damaged") as caught:
            load_clips(tmp_path)
        assert caught.value.kind == ErrorKind.UNREADABLE


def test_phases_follow_each_other():
    recipe = TeacherRecipe(steps=100)
    phases = [recipe.phase(step) for step in range(100)]
    assert [phase.until for phase in phases] == sorted(phase.until for phase in phases)
    assert {phase.until for phase in phases} == {phase.until for phase in recipe.phases}


def test_columns_say_where_in_the_picture_a_kind_shows():
    grid = torch.zeros(2, 3, 8, dtype=torch.int32)
    bus, dog = KINDS.index(("actor", "bus")), KINDS.index(("actor", "dog"))
    grid[0, 2, 0] = 1 << bus
    grid[1, 1, 7] = (1 << bus) | (1 << dog)
    columns = columns_of(grid)  # (2, 4, kinds)
    assert columns.nonzero().tolist() == sorted([[0, 0, bus], [1, 3, bus], [1, 3, dog]])


def test_moments_follow_the_events_and_the_speed():
    truth = toy_truth(0)  # one oncoming car from 1 s to 4 s, frames at 1, 3, 5 and 7 s, never standing
    found = moments_of([truth])[0]  # (F, moments)
    assert found[:, MOMENTS.index("oncoming")].tolist() == [True, True, True, False]
    assert found.sum() == 3


def test_sets_are_joined_in_their_order():
    one, two = toy_clips(3), toy_clips(2, first_seed=50)
    both = join([one, two])
    assert len(both) == 5
    assert [truth.seed for truth in both.truths] == [0, 1, 2, 50, 51]
    assert torch.equal(both.frames[3:], two.frames)
    assert both.captions[3:] == two.captions
    assert both.facts[:3] == one.facts


def test_lanes_share_the_work_evenly():
    lanes = Lanes(2, chunk=64)
    sizes = []
    lap = lanes.forward(
        lambda part, start: sizes.append(len(part)) or part.float(), torch.arange(192)[:, None]
    )
    lanes.close()
    assert sizes == [48] * 4
    assert [len(share) for share in lap.shares] == [2, 2]
    assert lap.features.flatten().tolist() == list(range(192))
