"""Unknown words borrow from near known ones; far ones, function words and trained rows stay as they are."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.errors import DrivescopeError
from core.models.bpe import clip_byte_pairs
from core.training import lending
from core.training.lending import framed_vectors, lend, save_words, whole_words, word_vectors
from core.training.teacher import new_teacher
from core.training.texts import UNKNOWN
from tests.core.training.toy import toy_recipe


def number(word):
    (found,) = clip_byte_pairs().encode(word)
    return found


def test_only_untrained_words_with_near_trained_ones_borrow():
    clip = new_teacher(toy_recipe()).clip
    before = clip.token_embedding.weight.detach().clone()
    words = ["dog", "bus", "with", "hound", "coach", "violin", "without"]
    near = {"dog": [1, 0, 0, 0], "bus": [0, 1, 0, 0], "with": [0, 0, 1, 0], "hound": [0.9, 0.1, 0, 0],
            "coach": [0.1, 0.7, 0, 0.6], "violin": [0.1, 0.1, 0, 1], "without": [0, 0, 1, 0]}  # fmt: skip
    ids = torch.tensor([number(word) for word in words])
    vectors = functional.normalize(torch.tensor([near[word] for word in words]).float(), dim=-1)
    used = torch.zeros(len(before), dtype=torch.bool)
    used[ids[:3]] = True
    lent = lend(clip, used, ids, vectors)
    assert set(lent) == {number("hound"), number("coach")}
    assert lent[number("hound")][0] == number("dog")
    assert number("with") not in lent[number("hound")]
    after = clip.token_embedding.weight.detach()
    for word in ("hound", "coach"):
        close = {k: float(vectors[words.index(word)] @ vectors[words.index(k)]) for k in ("dog", "bus")}
        part = 1 / (1 + np.exp((lending.CLOSE - max(close.values())) / lending.SOFTNESS))
        total = sum(np.exp(value / lending.SHARPNESS) for value in close.values())
        row = before[UNKNOWN].double().clone()
        for known, value in close.items():
            share = part * np.exp(value / lending.SHARPNESS) / total
            row += share * (before[number(known)] - before[UNKNOWN]).double()
        torch.testing.assert_close(after[number(word)].double(), row, atol=1e-5, rtol=1e-4)
    changed = (after != before).any(dim=1).nonzero().flatten().tolist()
    assert sorted(changed) == sorted(lent)


def test_nobody_lends_when_nothing_is_known():
    clip = new_teacher(toy_recipe()).clip
    ids = torch.tensor([number("dog")])
    assert lend(clip, torch.zeros(49408, dtype=torch.bool), ids, torch.ones(1, 4)) == {}


def test_whole_words_are_single_tokens():
    words = whole_words()
    assert words[number("hound")] == "hound"
    assert "motorcar" not in words.values()
    assert len(words) > 20_000


def test_framed_vectors_compare_words_frame_by_frame():
    rng = np.random.default_rng(1)
    words = ["dog", "hound", "bus"]
    told = {frame.format(word): rng.normal(size=5) for frame in lending.FRAMES for word in words}
    made = framed_vectors(words, lambda texts: np.stack([told[text] for text in texts]))
    for a in range(3):
        for b in range(3):
            close = []
            for frame in lending.FRAMES:
                mean = sum(told[frame.format(word)] for word in words) / 3
                one, other = (told[frame.format(words[k])] - mean for k in (a, b))
                close.append(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
            assert made[a] @ made[b] == pytest.approx(np.mean(close))


def test_vectors_come_back_unit_and_a_damaged_file_or_one_of_other_frames_is_named(tmp_path):
    save_words([5, 7], np.array([[3, 4], [0, 2]], np.float32), tmp_path / "words.npz")
    ids, vectors = word_vectors(tmp_path / "words.npz")
    assert ids.tolist() == [5, 7]
    torch.testing.assert_close(vectors, torch.tensor([[0.6, 0.8], [0.0, 1.0]]))
    (tmp_path / "bad.npz").write_text("no")
    np.savez(tmp_path / "older.npz", ids=np.array([5]), vectors=np.ones((1, 2), np.float16))
    np.savez(tmp_path / "other.npz", ids=np.array([5]), vectors=np.ones((1, 2)), frames=np.array(["{}"]))
    for name in ("bad", "older", "other"):
        with pytest.raises(DrivescopeError, match=rf"{name}\.npz"):
            word_vectors(tmp_path / f"{name}.npz")
