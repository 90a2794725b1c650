"""The words that training never hears: really unheard, and as true as the others."""

import re

import numpy as np
import pytest

from core.training import concepts
from core.world import wording, wording_unseen
from core.world.captions import LONGEST, SHORTEST, captions, paraphrase
from core.world.demo import survey
from core.world.scene import compose
from core.world.truth import EVENTS
from core.world.wording_rare import FRAMES, RARE
from core.world.wording_unseen import NOMINAL, REPORTS, REQUESTS, SYNONYMS, UNSEEN

WORD = re.compile(r"[a-z]+")


def _leaves(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from _leaves(inner)


def _vocabulary(*tables):
    return {word for text in _leaves(list(tables)) for word in WORD.findall(text)}


PLAIN = _vocabulary(
    *(vars(wording.SEEN)[field] for field in vars(wording.SEEN)),
    *(dict(getattr(concepts, name)) for name in ("SCENE", "EGO", "EVENTS", "ACTORS", "ABSENT")),
)
HEARD = PLAIN | _vocabulary(*vars(RARE).values(), FRAMES)


@pytest.fixture(scope="module")
def clips():
    return [survey(compose(seed)) for seed in range(700, 724)]


def test_no_synonym_is_ever_heard_and_there_are_enough():
    assert len(SYNONYMS) >= 40
    assert not set(SYNONYMS) & HEARD
    assert set(SYNONYMS.values()) <= HEARD  # each stands for a word that is
    spoken = _vocabulary(*(vars(UNSEEN)[field] for field in vars(UNSEEN)))
    assert set(SYNONYMS) <= spoken


def test_rarer_words_share_nothing_with_what_the_test_is_spoken_in():
    unheard = _vocabulary(*vars(UNSEEN).values(), NOMINAL, REQUESTS, REPORTS) - PLAIN
    assert not unheard & HEARD


def test_two_families_of_sentences_are_kept_out(clips):
    marks = {"show", "footage", "find", "scene", "looking", "recording", "video", "search", "moment", "record",
             "circumstances", "incident"}  # fmt: skip
    assert marks <= _vocabulary(REQUESTS, REPORTS)
    assert not marks & HEARD
    for truth in clips:
        for text in captions(truth, np.random.default_rng(truth.seed), rare=0.5):
            assert not (marks | set(SYNONYMS)) & set(WORD.findall(text)), text
            assert ":" not in text
            assert ";" not in text
        told = paraphrase(np.random.default_rng(truth.seed), truth)
        assert any(told.startswith(form.split("{")[0]) for form in (*REQUESTS, *REPORTS)), told


def test_every_event_has_its_unseen_words():
    assert set(NOMINAL) == set(wording_unseen.FORMS) == set(EVENTS)
    for form in (*_leaves(dict(wording_unseen.FORMS)), *NOMINAL.values()):
        assert set(re.findall(r"\{(.*?)\}", form)) <= {"a", "n"} | {f"e:{m}" for m in wording.SEEN.ego}


def test_every_event_has_twelve_seen_forms():
    for name, forms in wording.FORMS.items():
        count = len(forms) + len(wording.SHORT.get(name, ()))
        if match := re.fullmatch(r"\{e:(.+)\}", forms[0]):
            count = len(wording.SEEN.ego[match[1]]) + len(wording.SEEN.ego_short[match[1]])
        assert count >= 12, name


def test_a_paraphrase_claims_nothing_that_is_not_so(clips):
    for truth in clips:
        names = {event.name for event in truth.events}
        colours = {actor.colour for actor in truth.actors}
        for draw in range(6):
            text = paraphrase(np.random.default_rng(draw), truth)
            assert SHORTEST <= len(text.split()) <= LONGEST
            assert "{" not in text
            for attribute, table in (
                ("road", wording_unseen.ROAD), ("light", wording_unseen.LIGHT), ("weather", wording_unseen.WEATHER)
            ):  # fmt: skip
                for value, phrases in table.items():
                    if value != getattr(truth, attribute):
                        assert not any(phrase in text for phrase in phrases), (truth.seed, text)
            for colour, words in wording_unseen.COLOURS.items():
                if colour not in colours:
                    assert not set(words) & set(WORD.findall(text)), (truth.seed, text)
            for name in ("crosses from left", "crosses from right"):
                side, other = ("left", "right") if name.endswith("left") else ("right", "left")
                if f"traverses the road from the {side}" in text or f"{side} to {other}" in text:
                    assert name in names, text
            for lamp in ("red", "green"):
                if f"flips to {lamp}" in text or f"becomes {lamp}" in text or f"signal to {lamp}" in text:
                    assert f"light turns {lamp}" in names, text
