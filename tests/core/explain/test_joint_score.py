"""The joint score by hand, and with a model whose towers are looked-up tables."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from core.explain.joint_score import JointScorer, joint
from core.explain.ontology import load_ontology
from core.explain.video_skeleton_questions import NONE, ONE_OF, phrases

ONTOLOGY = load_ontology()
AXES = {"rain": 0, "night": 1, "car": 2, "clear": 3}
DIM = 6


@dataclasses.dataclass
class Read:
    sentence: torch.Tensor


class Tower:
    """Every phrase of a concept points along the concept's own axis, everything else along the last one."""

    def __init__(self):
        self.axes = {text: axis for name, axis in AXES.items() for text in phrases(ONTOLOGY.concepts[name])}
        self.calls = 0

    def encode_text(self, text, limit, padded):
        self.calls += 1
        vector = torch.zeros(DIM)
        vector[DIM - 1 if text in NONE else self.axes.get(text, DIM - 2)] = 1.0
        return Read(vector)


@pytest.fixture
def bundle():
    spec = type("Spec", (), {"name": "made up", "fingerprint": "f", "context_words": 32})
    return type("Bundle", (), {"spec": spec, "towers": (Tower(),), "padded_words": False})


def clips(*shown):
    """One clip per tuple of concepts; student, video and frames all point at what it shows."""
    rows = np.zeros((len(shown), DIM), np.float32)
    for place, names in enumerate(shown):
        rows[place, DIM - 1] = 1.0
        for name in names:
            rows[place, AXES[name]] = 1.0
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows, rows, np.repeat(rows[:, None], 12, axis=1)


def test_the_formula_by_hand():
    found = joint(np.array([1.0, 3.0]), np.array([0.5, 0.0]))
    g = [1 / (1 + math.exp(1)), 1 / (1 + math.exp(-1))]
    assert found == pytest.approx([(0.6 * g[0] + 0.3 * 0.5) / 0.9, 0.6 * g[1] / 0.9])
    assert joint(np.array([2.0, 2.0]), np.array([0.0, 1.0])) == pytest.approx([0.3 / 0.9, 0.6 / 0.9])


def test_what_agrees_rises_and_what_is_denied_sinks(bundle):
    scorer = JointScorer(bundle, ONTOLOGY)
    same = np.array([0.3, 0.3], np.float32)
    shown = clips(("rain", "night"), ("clear",))
    first, second = scorer("a rainy night", same, *shown)
    assert first > second
    first, second = scorer("no rain", same, *shown)
    assert first < second
    assert scorer("a rainy night", same, *shown).dtype == np.float32


def test_a_rarer_slot_weighs_more(bundle):
    scorer = JointScorer(bundle, ONTOLOGY)
    shown = clips(("car", "rain"), ("car",), ("car",), ("car",), ("rain",))
    similarity = np.full(5, 0.3, np.float32)
    scores = scorer("a car in the rain", similarity, *shown)
    assert scores.argmax() == 0
    assert scores[4] > scores[1]  # rain is rarer than cars here


def test_what_cannot_be_asked_leaves_the_rerank_alone(bundle):
    scorer = JointScorer(bundle, ONTOLOGY)
    assert scorer("hello", np.zeros(1, np.float32), *clips(("car",))) is None
    assert (
        scorer("we turn left", np.zeros(1, np.float32), *clips(("car",))) is None
    )  # motion is not asked here
    assert scorer("a car", np.zeros(0, np.float32), *clips()) is None


def test_questions_are_encoded_once(bundle):
    scorer = JointScorer(bundle, ONTOLOGY)
    scorer("a rainy night", np.zeros(1, np.float32), *clips(("car",)))
    calls = bundle.towers[0].calls
    assert calls >= len(ONE_OF["weather"]) + len(ONE_OF["light"])
    scorer("night with rain", np.zeros(1, np.float32), *clips(("rain",)))
    assert bundle.towers[0].calls == calls
