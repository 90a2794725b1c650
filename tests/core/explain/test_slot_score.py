"""The scorer itself, on cases small enough to count by hand."""

import json
from collections import Counter

import pytest

from core.explain.skeleton_records import EGO, Attribute, Count, Order, Relation, SlotValue, TextSkeleton
from core.explain.slot_score import facts, main, score

CAR = SlotValue("actor", "car", "two red cars", 0, 12, attributes=(Attribute("colour", "red", 4, 7),))
TWO = Count("exactly", 2, 0, 3)


def test_facts_are_spelled_as_documented():
    read = TextSkeleton(
        text="",
        slots=(
            SlotValue("actor", "car", "", 0, 0, count=TWO, attributes=(Attribute("colour", "red", 4, 7),)),
            SlotValue("action", "brake", "", 0, 0, subject=0),
            SlotValue("ego", "stop", "", 0, 0, subject=EGO),
            SlotValue("signal", "stop_sign", "", 0, 0, negated=True),
        ),
        relations=(Relation(0, "ahead", EGO, 0, 0),),
        order=(Order("before", 1, 2), Order("while", 1, 2)),
    )
    assert facts(read) == Counter(
        ["actor:car", "car#2", "car.red", "action:brake", "brake@car", "ego:stop", "!signal:stop_sign", "car>ahead>ego",
         "brake<stop", "brake~stop"]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("bound", "value", "fact"),
    [
        ("exactly", 3, "car#3"),
        ("at_least", 2, "car#>=2"),
        ("at_most", 4, "car#<=4"),
        ("many", None, "car#many"),
    ],
)
def test_counts(bound, value, fact):
    read = TextSkeleton(
        text="", slots=(SlotValue("actor", "car", "", 0, 0, count=Count(bound, value, 0, 0)),)
    )
    assert facts(read) == Counter(["actor:car", fact])


def test_f1_by_hand():
    read = TextSkeleton(text="", slots=(CAR, CAR))  # car twice, red twice
    result = score([(read, ["actor:car", "car.red", "car.red", "weather:rain"])])
    assert (result.found, result.invented, result.missed) == (3, 1, 1)
    assert result.precision == pytest.approx(0.75)
    assert result.recall == pytest.approx(0.75)
    assert result.f1 == pytest.approx(2 * 3 / (2 * 3 + 1 + 1))


def test_counts_add_up_over_sentences_and_nothing_is_perfect():
    empty = TextSkeleton(text="")
    assert score([(empty, [])]).f1 == 1.0
    result = score([(TextSkeleton(text="", slots=(CAR,)), ["actor:car"]), (empty, ["weather:rain"])])
    assert (result.found, result.invented, result.missed) == (1, 1, 1)
    assert result.f1 == pytest.approx(0.5)


def test_the_command_prints_each_split(tmp_path, capsys):
    path = tmp_path / "labels.jsonl"
    lines = [
        {"text": "a red car", "split": "tune", "facts": ["actor:car", "car.red"]},
        {"text": "rain", "split": "held_out", "facts": ["weather:snow"]},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    assert main([str(path)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["tune"] == {"sentences": 1, "precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert report["held_out"]["f1"] == 0.0
