"""Unknown words borrow from near known ones; far ones, function words and trained rows stay as they are."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.errors import DrivescopeError
from core.models.bpe import clip_byte_pairs
from core.training.lending import lend, whole_words, word_vectors
from core.training.teacher import new_teacher
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
    after = clip.token_embedding.weight.detach()
    torch.testing.assert_close(after[number("hound")], before[number("dog")])
    torch.testing.assert_close(after[number("coach")], before[number("bus")])
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


def test_vectors_come_back_unit_and_a_damaged_file_is_named(tmp_path):
    np.savez(tmp_path / "words.npz", ids=np.array([5, 7]), vectors=np.array([[3, 4], [0, 2]], np.float16))
    ids, vectors = word_vectors(tmp_path / "words.npz")
    assert ids.tolist() == [5, 7]
    torch.testing.assert_close(vectors, torch.tensor([[0.6, 0.8], [0.0, 1.0]]))
    (tmp_path / "bad.npz").write_text("no")
    with pytest.raises(DrivescopeError, match=r"bad\.npz"):
        word_vectors(tmp_path / "bad.npz")
