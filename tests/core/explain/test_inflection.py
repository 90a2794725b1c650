"""Plurals, verb forms and spellings come by rule."""

import pytest

from core.explain.inflection import british, plurals, verb_forms


@pytest.mark.parametrize(
    ("noun", "plural"),
    [
        ("car", "cars"), ("lorry", "lorries"), ("bus", "buses"), ("box", "boxes"), ("child", "children"),
        ("person", "people"), ("motorway", "motorways"), ("crash", "crashes"), ("deer", "deer"), ("bush", "bushes"),
    ],
)  # fmt: skip
def test_plurals(noun, plural):
    assert plural in plurals(noun)


@pytest.mark.parametrize(
    ("verb", "third", "ing", "past"),
    [
        ("brake", "brakes", "braking", "braked"), ("stop", "stops", "stopping", "stopped"),
        ("pass", "passes", "passing", "passed"), ("cross", "crosses", "crossing", "crossed"),
        ("overtake", "overtakes", "overtaking", "overtook"), ("overtake", "overtakes", "overtaking", "overtaken"),
        ("signal", "signals", "signalling", "signalled"), ("signal", "signals", "signaling", "signaled"),
        ("swerve", "swerves", "swerving", "swerved"), ("enter", "enters", "entering", "entered"),
        ("carry", "carries", "carrying", "carried"), ("slow", "slows", "slowing", "slowed"),
        ("queue", "queues", "queueing", "queued"), ("queue", "queues", "queuing", "queued"),
        ("veer", "veers", "veering", "veered"), ("skid", "skids", "skidding", "skidded"),
        ("wait", "waits", "waiting", "waited"), ("stay", "stays", "staying", "stayed"), ("go", "goes", "going", "went"),
    ],
)  # fmt: skip
def test_verbs(verb, third, ing, past):
    forms = verb_forms(verb)
    assert {(verb, "base"), (third, "third"), (ing, "ing"), (past, "past")} <= set(forms)


@pytest.mark.parametrize(
    ("american", "here"),
    [("gray", "grey"), ("curb", "kerb"), ("center", "centre"), ("neighborhood", "neighbourhood"), ("colors", "colours"),
     ("maneuvering", "manoeuvring"), ("grey", "grey"), ("car", "car"), ("toward", "towards")],
)  # fmt: skip
def test_american_spelling(american, here):
    assert british(american) == here
