"""What a query could be mistaken for, and how sure a tower is of it: texts by grammar, numbers by hand."""

import math

import pytest
import torch

from core.explain.rivals import SAME, certainty, rival_texts, rivals_of
from core.explain.targets import NEUTRAL, Target, difference, phrase, whole_query


def test_a_rival_says_something_else_in_the_same_form():
    found = rival_texts("a cyclist")
    assert {"a bus", "a pedestrian", "a deer", "an ambulance"} <= set(found)
    assert "a cyclist" not in found
    assert len(set(found)) == len(found)
    several = set(rival_texts("a red car turning left at night"))
    assert {"a blue car turning left at night", "a red bus turning left at night"} <= several
    assert {"a red car turning right at night", "a red car turning left at dusk"} <= several


def test_what_is_wider_or_narrower_is_no_rival():
    assert not {"a vehicle", "a taxi"} & set(rival_texts("a car"))
    assert not {"a car", "a bus"} & set(rival_texts("a vehicle"))
    assert "a taxi" not in rival_texts("a car")
    assert "a car turning" not in rival_texts("a car turning left")


def test_a_text_that_the_ontology_does_not_know_has_none():
    assert rival_texts("something weird") == ()


def test_certainty_is_the_softmax_over_cosines():
    direction, rivals = torch.tensor([1.0, 0.0]), torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
    pictures = torch.tensor([[[3.0, 0.0], [0.0, 0.5]], [[1.0, 1.0], [0.61, 0.6]]])
    found = certainty(pictures, direction, rivals)
    assert found.shape == (2, 2)
    assert found[0].tolist() == pytest.approx([1, 0], abs=1e-6)
    length = math.hypot(0.61, 0.6)
    close = 1 / (1 + math.exp(100 * (0.60 - 0.61) / length))
    assert found[1].tolist() == pytest.approx([0.5, close], abs=1e-4)


def test_a_tower_is_asked_for_the_rivals_once(vit, monkeypatch):
    target = whole_query(vit, "a tram at night")
    read = []
    tower = vit.towers[-1]
    encode = type(tower).encode_text
    monkeypatch.setattr(type(tower), "encode_text", lambda *given: read.append(given[1]) or encode(*given))
    found = rivals_of(vit, target)
    assert tuple(read) == rival_texts("a tram at night")
    assert (found @ target.direction).max() < SAME
    assert found.norm(dim=1).tolist() == pytest.approx([1] * len(found), abs=1e-5)
    assert rivals_of(vit, whole_query(vit, "a tram at night")) is found
    assert len(read) == len(rival_texts("a tram at night"))


def test_words_of_a_query_have_rivals_of_their_own(vit):
    alone = phrase(vit, "a red bus in the rain", 2)
    assert alone.text == "bus"
    assert torch.equal(rivals_of(vit, alone), rivals_of(vit, whole_query(vit, "bus")))


def test_unknown_words_stand_against_prompts_that_ask_for_nothing(vit):
    target = whole_query(vit, "something weird")
    found = rivals_of(vit, target)
    neutral = torch.stack([vit.encode_text(text).sentence for text in NEUTRAL])
    expected = neutral[neutral @ target.direction < SAME]
    torch.testing.assert_close(found, expected)
    assert 0 < len(found) <= len(NEUTRAL)


def test_two_queries_are_each_others_rivals(vit):
    one, other = (vit.encode_text(text).sentence for text in ("a bus", "a dog"))
    target = difference(vit, "a bus", "a dog")
    picture = torch.randn(1, len(one))
    both = certainty(picture, one, other[None])
    assert certainty(picture, target.direction, rivals_of(vit, target)).item() == pytest.approx(
        both.item(), abs=0.02
    )


def test_whoever_waits_no_longer_stops_the_reading(vit):
    def check():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        rivals_of(vit, Target("a van", torch.zeros(vit.spec.reranker_dim), torch.zeros(1), "a van"), check)
