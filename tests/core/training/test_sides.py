"""Left and right: facts, words and losses against loops and hand-worked numbers."""

import dataclasses
import math
import random

import pytest
import torch

from core.training.concepts import EGO, EVENTS, say
from core.training.dataset import fits
from core.training.recipe import TeacherRecipe
from core.training.runs import CHECKPOINT, Run
from core.training.scoring import by_side
from core.training.sides import (
    PAIRS,
    mirror_loss,
    mirrored,
    mirrored_words,
    side_head,
    side_loss,
    side_sentences,
    sided_queries,
    sides_of,
    told_apart,
)
from core.training.stage_a import train_teacher
from core.world.wording_rare import RARE
from tests.core.training.toy import toy_clips, toy_recipe

FROM_LEFT, FROM_RIGHT = ("event", "crosses from left"), ("event", "crosses from right")
CLIP = frozenset(
    {FROM_LEFT, (*FROM_LEFT, "dog"), ("ego", "turns right"), ("weather", "rain"), ("actor", "dog")}
)


def test_a_clip_has_a_side_where_it_shows_only_one():
    assert sides_of(CLIP) == [1, 0, -1, 0]
    assert sides_of(CLIP | {(*FROM_RIGHT, "car", "red")}) == [0, 0, -1, 0]
    assert sides_of([]) == [0, 0, 0, 0]


def test_the_mirror_exchanges_sides_and_nothing_else():
    other = frozenset(
        {FROM_RIGHT, (*FROM_RIGHT, "dog"), ("ego", "turns left"), ("weather", "rain"), ("actor", "dog")}
    )
    assert mirrored(CLIP) == other
    assert mirrored(other) == CLIP
    assert mirrored_words("from left to right in the rain") == "from right to left in the rain"
    assert mirrored_words("a bus in the rain") == "a bus in the rain"


@pytest.mark.parametrize("pair", PAIRS)
def test_the_mirror_image_of_a_wording_says_the_other_side(pair):
    def wordings(fact):
        heard = EVENTS[fact[1]] if fact[0] == "event" else EGO[fact]
        rarely = (
            RARE.forms[fact[1]] if fact[0] == "event" else [w for both in RARE.ego[fact[1]] for w in both]
        )
        return {*heard, *rarely}

    left, right = pair
    assert {mirrored_words(wording) for wording in wordings(left)} == wordings(right)


def test_sided_queries_fit_a_clip_and_not_their_mirror_image():
    facts = [CLIP, mirrored(CLIP), frozenset({("road", "city")})]
    made = sided_queries(facts, 40, random.Random(1), rare=0.3)
    assert len(made) == 40
    needs = [need for _, need in made]
    right = fits(needs, facts)
    assert right[:, :2].sum(dim=1).tolist() == [1] * 40
    assert not right[:, 2].any()
    assert torch.equal(fits([mirrored(need) for need in needs], facts)[:, :2], ~right[:, :2])
    assert all("left" in text or "right" in text for text, _ in made)
    first = [need for need in needs if {fact[:2] for fact in need} & set(PAIRS[0])]
    assert 20 <= len(first) <= 38  # half of them, and of the other half its share
    assert sided_queries([facts[2]], 5, random.Random(1)) == []
    assert fits([], facts).shape == (0, 3)


def test_some_wording_of_every_sided_fact_names_the_side():
    rng = random.Random(2)
    for fact in (fact for pair in PAIRS for fact in pair):
        assert any(mirrored_words(text) != text for text in (say(fact, rng) for _ in range(8)))


def test_which_side_is_told():
    sides = torch.tensor([1, 1, -1, -1, 0.0])
    left, right = torch.tensor([0.9, 0.5, 0.1, 0.5, 0.0]), torch.tensor([0.1, 0.4, 0.2, 0.4, 0.9])
    # gaps 0.8, 0.1 against -0.1, 0.1: three pairs in order and one tie
    assert told_apart(left, right, sides) == pytest.approx(87.5)
    assert told_apart(right, left, sides) == pytest.approx(12.5)
    assert math.isnan(told_apart(left, right, sides.clamp_min(0)))


def test_the_table_of_sides_asks_every_sentence_of_the_clips_that_show_one():
    facts = (CLIP, mirrored(CLIP), frozenset({("road", "city")}), frozenset({("event", "cuts in from left")}))
    clips = dataclasses.replace(toy_clips(4), facts=facts)
    asked = side_sentences()
    left = torch.zeros(len(asked), 4)
    for row, (pair, _, _) in enumerate(asked):
        left[row, 0] = (
            1.0 if pair == 0 else -1.0
        )  # crossings are told; turns, where clip 0 goes right, as well
    table = by_side(torch.cat([left, torch.zeros_like(left)]), clips)
    assert table == {
        "crosses from left or right": {"left": 1, "right": 1, "told": 100.0},
        "turns left or right": {"left": 1, "right": 1, "told": 100.0},
    }
    assert by_side(torch.cat([-left, 0 * left]), clips)["turns left or right"]["told"] == 0.0


def test_every_side_is_asked_for_in_sentences_that_name_it():
    asked = side_sentences()
    assert {pair for pair, _, _ in asked} == set(range(len(PAIRS)))
    assert (
        0,
        "someone or something crosses from left to right",
        "someone or something crosses from right to left",
    ) in asked
    assert all("{" not in left and left != right for _, left, right in asked)


def test_side_loss_against_a_loop():
    generator = torch.Generator().manual_seed(3)
    head, vectors = (
        side_head(6),
        torch.nn.functional.normalize(torch.randn(5, 6, generator=generator), dim=-1),
    )
    sides = torch.tensor([[1, 0, 0, -1], [0, 0, 0, 1], [-1, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0.0]])
    weight, bias, by_hand = head.weight.tolist(), head.bias.tolist(), 0.0
    for pair in range(4):
        asked = [row for row in range(5) if sides[row, pair]]
        logits = [
            5 * sum(v * w for v, w in zip(vectors[row].tolist(), weight[pair], strict=True)) + bias[pair]
            for row in asked
        ]
        each = [math.log1p(math.exp(-sides[r, pair].item() * z)) for r, z in zip(asked, logits, strict=True)]
        by_hand += sum(each) / max(1, len(each))
    assert side_loss(head, vectors, sides).item() == pytest.approx(by_hand, abs=1e-5)
    assert torch.equal(head.weight, side_head(6).weight)


def test_mirror_loss_by_hand():
    logits, mirror = torch.tensor([[2.0, 9.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    right = torch.tensor([[True, False], [False, True]])
    by_hand = (math.log1p(math.exp(-1)) + math.log1p(math.exp(2))) / 2
    assert mirror_loss(logits, mirror, right).item() == pytest.approx(by_hand, abs=1e-6)
    assert mirror_loss(logits[:0], mirror[:0], right[:0]).item() == 0


def test_one_head_gives_both_vectors_the_side_that_contrast_alone_cannot():
    def aligned(weight: float) -> float:
        """Two towers for clips and sentences that begin without the side; how far apart both sentences end."""
        generator = torch.Generator().manual_seed(4)
        clip_tower, text_tower = torch.randn(2, 3, 8, generator=generator)  # light, kind, side -> vector
        clip_tower[2] = text_tower[2] = 0
        towers = [clip_tower.requires_grad_(), text_tower.requires_grad_()]
        head = side_head(8)
        scenes = torch.tensor(
            [[light, kind, side] for light in (1, -1) for kind in (1, -1) for side in (1, -1.0)]
        )
        sides = torch.stack([scenes[:, 2], *[torch.zeros(8)] * 3], dim=1)  # (8, pairs)
        optimiser = torch.optim.SGD([*towers, *head.parameters()], 0.3)
        for _ in range(100):
            video, text = (
                torch.nn.functional.normalize(scenes @ tower, dim=-1) for tower in towers
            )  # (8, 8)
            loss = torch.nn.functional.cross_entropy(10 * text @ video.T, torch.arange(8))
            loss = loss + weight * (side_loss(head, video, sides) + side_loss(head, text, sides))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        text = torch.nn.functional.normalize(scenes @ towers[1], dim=-1)
        return (text[0] @ text[1]).item()

    assert aligned(0.0) == pytest.approx(1.0, abs=1e-6)
    assert aligned(1.0) < 0.9


def test_a_run_goes_on_from_one_that_knew_no_sides(tmp_path):
    clips = toy_clips(8)
    train_teacher(clips, None, toy_recipe(steps=3), tmp_path / "first")
    run = Run(tmp_path / "first")
    state = run.load(None)
    for name in ("sides.weight", "sides.bias"):
        del state["names"][name]
    for group in state["optimiser"]["param_groups"]:
        if group["peak"] == TeacherRecipe.name_rate:
            del state["optimiser"]["state"][group["params"].pop()]  # the sides' come last
    (tmp_path / "first" / CHECKPOINT).unlink()
    run.save(state)
    first, _ = train_teacher(
        clips, None, toy_recipe(steps=4), tmp_path / "on", stop_at=0, start=tmp_path / "first"
    )
    on, _ = train_teacher(clips, None, toy_recipe(steps=4), tmp_path / "on", start=tmp_path / "first")
    old = state["teacher"]["clip.text_projection"]
    assert torch.equal(first.clip.text_projection, old)
    assert not torch.equal(on.clip.text_projection, old)
