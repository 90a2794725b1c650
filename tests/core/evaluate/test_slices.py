"""Slices: who belongs where, what they are worth, and which are worst."""

import numpy as np
import pytest

from core.evaluate.metrics import summarise
from core.evaluate.slices import (
    asked,
    properties_of,
    sliced_metric,
    slices_of,
    span_property,
    text_properties,
    worst_slices,
)
from core.evaluate.truth import Query
from tests.core.evaluate.runs_by_hand import run_of


@pytest.mark.parametrize(
    ("text", "length", "negation", "order"),
    [
        ("a red car", "1-5 words", "no", "no"),
        ("No pedestrian crosses the wet road", "6-10 words", "yes", "no"),
        ("The car doesn’t stop and then turns left", "6-10 words", "yes", "yes"),
        ("noticeable knot in northern notes", "1-5 words", "no", "no"),
        ("BEFORE turning " + "left " * 20, "more than 20 words", "no", "yes"),
        ("", "1-5 words", "no", "no"),
    ],
)
def test_what_words_tell(text, length, negation, order):
    assert text_properties(text) == {"query length": length, "negation": negation, "order words": order}


def test_what_a_query_asks_for():
    assert asked("at night our car turns left before a child in a red coat crosses, no rain") == {
        "asked light": ("night",),
        "asked own car": ("turn left", "turn"),
        "asked actor": ("child", "pedestrian"),
        "asked action": ("cross",),
        "asked weather": ("no rain",),
    }
    assert asked("a red bus") == {"asked actor": ("bus", "vehicle"), "asked colour": ("red",)}
    assert asked("") == {}


def test_clip_lengths():
    query = Query("1", "rain")
    found = [properties_of(query, clip_s=seconds)["clip length"] for seconds in (4.0, 8.0000001, 8.1, 60)]
    assert found == [("up to 4 s",), ("4 to 8 s",), ("8 to 20 s",), ("more than 20 s",)]
    assert "clip length" not in properties_of(query)


def test_spans_and_columns():
    query = Query("1", "rain", {"tags": "day; rain |day", "split": "", "weather": "wet"})
    found = properties_of(query, [(1, 0.0, 3.0), (1, 10.0, 17.0)], relevant=2)
    assert found["tags"] == ("day", "rain")
    assert "split" not in found
    assert found["weather"] == ("wet",)
    assert found["span length"] == ("4 to 8 s",)
    assert found["relevant clips"] == ("several",)
    assert [span_property([(1, 0, s)]) for s in (4, 8, 20, 21)] == [
        "up to 4 s", "4 to 8 s", "8 to 20 s", "more than 20 s",
    ]  # fmt: skip
    assert span_property([]) == ""


@pytest.fixture
def run():
    """40 queries; at night the truth stands at rank 30, by day at rank 2; 12 of 40 are at night."""
    night = np.arange(40) < 12
    return run_of(
        first=np.where(night, 30, 2),
        properties=[{"light": "night" if dark else "day", "serial": str(n)} for n, dark in enumerate(night)],
    )


def test_slices_by_hand(run):
    found = {(part.key, part.value): part for part in slices_of(run, "R@10")}
    night, day = found["light", "night"], found["light", "day"]
    assert (night.count, night.result.value, night.result.low, night.result.high) == (12, 0.0, 0.0, 0.0)
    assert (day.count, day.result.value) == (28, 100.0)
    assert night.members.tolist() == list(range(12))
    assert not any(part.key == "negation" for part in found.values())  # all alike: nothing to divide
    assert found["span length", "up to 4 s"].count == 1  # one query has a span
    assert night.as_dict()["property"] == "light"


def test_a_column_of_names_is_no_slice():
    many = run_of(first=[1] * 60, properties=[{"serial": str(n)} for n in range(60)])
    assert "serial" not in {part.key for part in slices_of(many)}


def test_slots_of_the_skeleton_are_slices():
    texts = ["a pedestrian crosses at night" if n % 4 == 0 else "a bus by day" for n in range(40)]
    run = run_of(first=[30 if n % 4 == 0 else 1 for n in range(40)], texts=texts)
    found = slices_of(run, "R@10")
    by_name = {(part.key, part.value): part for part in found}
    assert by_name["asked actor", "pedestrian"].members.tolist() == list(range(0, 40, 4))
    assert by_name["asked light", "day"].result.value == 100.0
    assert by_name["asked light", "night"].members.tolist() == list(range(0, 40, 4))
    worst = worst_slices(found, summarise(run.final.outcomes, ("R@10",))["R@10"])
    members = [part.members.tolist() for part in worst]
    assert members == [list(range(0, 40, 4))]  # offered once, though it has several names


def test_worst_slices_have_enough_members_and_are_worse_than_all(run):
    found = slices_of(run, "R@10")
    overall = summarise(run.final.outcomes, ("R@10",))["R@10"]
    assert [(p.value, p.count) for p in worst_slices(found, overall)] == [("night", 12)]
    assert worst_slices(found, overall, least=100) == []
    ranks = summarise(run.final.outcomes, ("MnR",))["MnR"]  # the higher, the worse
    assert [p.value for p in worst_slices(slices_of(run, "MnR"), ranks)] == ["night"]
    some = slices_of(run, "R@10")
    assert [p.value for p in worst_slices(some, overall, count=1, least=1)] == ["night"]


@pytest.mark.parametrize(
    ("ranks", "name"),
    [((1, 11) * 10, "R@10"), ((1, 6) * 10, "R@5"), ((1, 2) * 10, "R@1"), ((1,) * 20, "R@1")],
)
def test_slices_are_told_by_a_metric_that_tells_them_apart(ranks, name):
    run = run_of(texts=["a red car"] * 10 + ["no bus"] * 10, reranked=ranks)
    assert sliced_metric(run).name == name
    assert {part.result.name for part in slices_of(run)} == {name}
