"""The demo world's sentences, made by others from exact truth, are read back into that truth."""

import json
from collections.abc import Iterator

import numpy as np
import pytest

from core.explain.ontology import load_ontology
from core.explain.text_skeleton import TextSkeleton, skeleton
from core.paths import resources
from core.world import captions, truth, wording


def _says(read: TextSkeleton, wanted: str) -> bool:
    """Whether a skeleton asserts a concept, or a wider or narrower one; "does not move" counts as a kind of driving."""
    ontology = load_ontology()
    values = {value.value for value in read.slots if not value.negated or value.value == "drive"}
    wider = {name for value in values for name in ontology.ancestors(value)}
    if wanted == "approach" and any(relation.predicate == "oncoming" for relation in read.relations):
        return True
    return wanted in wider or bool(values & set(ontology.ancestors(wanted)))


def _scene_phrases() -> Iterator[tuple[str, str]]:
    for kind, table in (("light", wording.LIGHT), ("weather", wording.WEATHER), ("road", wording.ROAD)):
        for name, phrases in table.items():
            yield from ((phrase, f"{kind}:{name}") for phrase in phrases)


def _event_sentences() -> Iterator[tuple[str, str]]:
    rng = np.random.default_rng(11)
    for path in sorted((resources() / "demo").glob("demo_*.json")):
        clip = truth.ClipTruth.from_dict(json.loads(path.read_text("utf-8")))
        for event in clip.events:
            for colour in (True, False, True):
                yield captions.speak(rng, clip, event, colour=colour), f"event:{event.name}"


def _share(pairs: Iterator[tuple[str, str]]) -> float:
    ontology = load_ontology()
    hits = []
    for text, name in pairs:
        concept = ontology.of_world(name)
        assert concept is not None, name
        hits.append(_says(skeleton(text), concept.id))
    assert len(hits) >= 20
    return sum(hits) / len(hits)


def test_scene_phrases_are_understood():
    assert _share(_scene_phrases()) >= 0.9


def test_event_sentences_are_understood():
    if not any((resources() / "demo").glob("demo_*.json")):
        pytest.skip("the demo clips are not built here (resources/demo is empty)")
    assert _share(_event_sentences()) >= 0.85


def test_ego_manoeuvres_are_understood_as_ours():
    rng = np.random.default_rng(4)
    ontology = load_ontology()
    hits = []
    for manoeuvre in truth.MANOEUVRES:
        concept = ontology.of_world(f"ego:{manoeuvre}")
        assert concept is not None
        for _ in range(12):
            sentence = captions._ego(rng, manoeuvre, wording.SEEN)
            read = skeleton(sentence)
            hits.append(_says(read, concept.id) and bool(read.of_slot("ego")))
    assert sum(hits) / len(hits) >= 0.95
