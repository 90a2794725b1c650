"""Captions never say what the clip does not show."""

import re

import numpy as np
import pytest

from core.world import wording, wording_rare
from core.world.captions import captions
from core.world.demo import survey
from core.world.scene import compose
from core.world.truth import EVENTS, shown

SEEDS = range(40)


@pytest.fixture(scope="module")
def truths():
    return [survey(compose(seed)) for seed in SEEDS]


@pytest.fixture(scope="module", params=[0.0, 0.6], ids=["plain", "rare"])
def clips(request, truths):
    return [
        (truth, captions(truth, np.random.default_rng(truth.seed), rare=request.param)) for truth in truths
    ]


def _both(name):
    """A table of words, the rarer ones too."""
    plain, rare = getattr(wording, name), getattr(wording_rare, name)
    return {key: (*plain[key], *rare.get(key, ())) for key in plain}


def _has(text, words):
    return any(re.search(rf"\b{re.escape(word)}\b", text) for word in words)


def _words(table, keys):
    return {w for key in keys for w in table[key]}


def test_there_are_enough_and_they_differ(clips):
    for truth, sentences in clips:
        assert len(sentences) >= 8, truth.seed
        assert len(set(sentences)) == len(sentences)
        for text in sentences:
            assert 1 <= len(text.split()) <= 32
            assert "{" not in text
            assert text == text.strip().lower()


def test_the_same_truth_and_seed_give_the_same_sentences(clips):
    truth, sentences = clips[0]
    assert sentences in [captions(truth, np.random.default_rng(SEEDS[0]), rare=rare) for rare in (0.0, 0.6)]


def test_rarer_words_are_used_as_often_as_asked(truths):
    heard = {word for words in _both("WEATHER").values() for word in words}
    plain = {word for words in wording.WEATHER.values() for word in words}
    for rare, least, most in ((0.0, 0.0, 0.0), (0.5, 0.3, 0.7), (1.0, 0.9, 1.0)):
        told = [t for truth in truths for t in captions(truth, np.random.default_rng(truth.seed), rare=rare)]
        rarely = sum(_has(text, heard - plain) for text in told)
        plainly = sum(
            _has(text, plain | {w for both in wording.BOTH.values() for w in both}) for text in told
        )
        assert least <= rarely / (rarely + plainly) <= most
        framed = sum(
            text.startswith(tuple(f.split("{")[0] for f in wording_rare.FRAMES if f[0] != "{"))
            for text in told
        )
        assert (framed > 0) == (rare > 0)


@pytest.mark.parametrize(
    ("attribute", "table"),
    [("light", _both("LIGHT")), ("weather", _both("WEATHER")), ("road", _both("ROAD"))],
)
def test_setting_words_are_true(clips, attribute, table):
    for truth, sentences in clips:
        own = set(table[getattr(truth, attribute)])
        lies = {w for key, words in table.items() if key != getattr(truth, attribute) for w in words} - own
        for text in sentences:
            if attribute == "road" and truth.road == "intersection":
                lies = lies - {"in the city"}  # "at a city intersection" holds the word, not the claim
            assert not _has(text, lies), (truth.seed, text)


def test_plain_words_are_true(clips):
    claims = {
        "night": lambda t: t.light == "night",
        "rain": lambda t: t.weather == "rain",
        "rainy": lambda t: t.weather == "rain",
        "snow": lambda t: t.weather == "snow",
        "fog": lambda t: t.weather == "fog",
        "sunny": lambda t: t.weather == "clear" and t.light == "day",
        "tunnel": lambda t: t.road == "tunnel",
        "highway": lambda t: t.road == "highway",
        "roundabout": lambda t: t.road == "roundabout",
    }
    for truth, sentences in clips:
        for text in sentences:
            for word, holds in claims.items():
                if _has(text, [word]):
                    assert holds(truth), (truth.seed, text)


def test_in_a_tunnel_nobody_speaks_of_the_sky(clips):
    told = 0
    for truth, sentences in clips:
        if truth.road != "tunnel":
            continue
        told += 1
        for text in sentences:
            assert not _has(text, _words(_both("WEATHER"), wording.WEATHER)), text
            assert not _has(text, _words(_both("LIGHT"), wording.LIGHT)), text
    assert told


def test_kinds_are_named_only_when_they_can_be_made_out(clips):
    for truth, sentences in clips:
        for kind in ("bus", "truck", "motorcycle", "cyclist", "child", "dog", "deer", "ambulance"):
            words = set(_both("NOUNS")[kind]) - {"animal", "wild animal"}
            seen = any(a.kind == kind and shown(truth, a.id, least=0.0006) for a in truth.actors)
            for text in sentences:
                if _has(text, words):
                    assert seen, (truth.seed, kind, text)


def test_colours_belong_to_somebody_in_the_clip(clips):
    for truth, sentences in clips:
        there = {a.colour for a in truth.actors}
        for colour, words in _both("COLOURS").items():
            if colour in there or colour in ("red", "green", "black", "blue", "orange"):
                continue  # lights are red and green, evenings dark, ambulance lamps blue, cones orange
            for text in sentences:
                assert not _has(text.replace("grey rainy day", ""), words), (truth.seed, colour, text)


def test_what_is_denied_is_really_absent(clips):
    for truth, sentences in clips:
        kinds = {truth.actor(b.actor_id).kind for f in truth.frames for b in f.boxes}
        for text in sentences:
            if "no other" in text or "without other traffic" in text:
                assert not kinds & {"car", "van", "truck", "bus", "motorcycle", "ambulance", "cyclist"}, text
            if "no pedestrians" in text or "no people" in text or "without any pedestrians" in text:
                assert not kinds & {"pedestrian", "child", "cyclist", "motorcycle"}, text


def test_directions_are_never_swapped(clips):
    for truth, sentences in clips:
        names = {e.name for e in truth.events}
        for text in sentences:
            if _has(text, ["from left to right"]):
                assert "crosses from left" in names, text
            if _has(text, ["from right to left"]):
                assert "crosses from right" in names, text
            if _has(text, ["turns left", "turn left", "turning left"]):
                assert "ego turns left" in names, text
            if _has(text, ["turns red", "turning red"]):
                assert "light turns red" in names, text
            if _has(text, ["turns green", "turning green"]):
                assert "light turns green" in names, text


def test_order_is_kept(clips):
    """In "first A, then B" about the ego car itself, the events really come in that order."""
    told = 0
    for truth, sentences in clips:
        start = {e.name: e.start_s for e in truth.events}
        for text in sentences:
            match = re.match(r"first (.+), then (.+)", text)
            if match is None:
                continue
            told += 1
            assert len(truth.events) >= 2
            stops = _words({k: [f for pair in v for f in pair] for k, v in wording.EGO.items()}, ["stops"])
            if "ego stops" in start and _has(match[1], stops):
                assert any(s - start["ego stops"] >= 0.6 for s in start.values()), text
    assert told


def test_every_event_has_words():
    assert set(wording.FORMS) == set(EVENTS)
    assert set(wording.SHORT) <= set(EVENTS)
    for forms in (*wording.FORMS.values(), *wording.SHORT.values()):
        for form in forms:
            assert set(re.findall(r"\{(.*?)\}", form)) <= {"a", "n"} | {f"e:{m}" for m in wording.EGO}
