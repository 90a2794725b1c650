"""Which words a tower has learned is read from its table, whether it knows few words, all, or another vocabulary."""

import pytest
import torch

from core.models.backbone import Backbone, ClipDims
from core.models.learned import UNKNOWN, Learned
from core.models.preprocess import Preprocessing
from core.models.tokens import ClipTokenizer
from core.models.towers import ClipTower
from core.training.texts import Texts, settle_unknown_words

KNOWN = "a cyclist crosses at night, the fire truck's junction"


@pytest.fixture(scope="module")
def tower():
    """A text tower that was trained on `KNOWN` and nothing else."""
    torch.manual_seed(0)
    dims = ClipDims(
        16, 16, patch=8, vision_width=64, vision_layers=1, text_width=64, text_layers=1, embed_dim=32
    )
    clip = Backbone(dims).eval()
    texts = Texts(24)
    texts.batch([KNOWN])
    settle_unknown_words(clip, texts.used)
    return ClipTower.of(clip, Preprocessing(16, 16))


@pytest.mark.parametrize(
    ("text", "unlearned", "blank"),
    [
        ("A Cyclist crosses at night", (), False),
        ("a Submarine crosses at NIGHT", ("Submarine",), False),
        ("a submarine, a SUBMARINE and a kangaroo", ("submarine", "and", "kangaroo"), True),
        ("at the crosses", (), False),
        ("at a submarine", ("submarine",), True),  # what is left, "at a", says nothing
        ("at the", (), False),
        ("of", ("of",), True),
        ("kangaroo", ("kangaroo",), True),
        ("kangaroo submarine!", ("kangaroo", "submarine"), True),
        ("zebra-crosses", ("zebra",), False),  # the tower reads three words there: zebra, -, crosses
        ("a firetruck", (), False),  # fire|truck: its second half is learned
        ("quokka", ("quokka",), True),  # qu|ok|ka: nothing of it is
        ("the submarine’s night", (), False),  # "'s" is learned, so something of it is read
        ("3 T-junction", ("3",), False),
        ("", (), False),
        ("…, -!", (), False),
    ],
)
def test_words_of_which_nothing_is_learned_are_named_as_typed(tower, text, unlearned, blank):
    read = tower.encode_text(text, 24, False)
    assert (read.unlearned, read.blank) == (unlearned, blank)


def test_words_that_were_cut_off_are_not_named_a_second_time(tower):
    read = tower.encode_text("a submarine at night " * 10, 8, False)
    assert len(read.cut_words) > 30
    assert read.unlearned == ("submarine",)
    assert tower.encode_text("a night at night a night kangaroo", 8, False).unlearned == ()


def test_a_table_without_a_stand_in_knows_every_word():
    table = torch.randn(UNKNOWN + 3, 4, generator=torch.Generator().manual_seed(0))
    assert Learned(table).unlearned("a submarine and a quokka") == ((), False)
    table[320:400, 0] = table[UNKNOWN, 0]  # alike in one number only
    assert Learned(table).unlearned("a submarine and a quokka") == ((), False)
    table[320:400] = 0.0  # rows that are the same, but not the stand-in's
    assert Learned(table).unlearned("a b c") == ((), False)
    assert Learned(torch.zeros(32_000, 4)).unlearned("a submarine") == ((), False)


def test_it_agrees_with_a_plain_look_at_every_row():
    generator = torch.Generator().manual_seed(1)
    table = torch.randn(UNKNOWN + 3, 3, generator=generator)
    table[torch.rand(len(table), generator=generator) < 0.5] = table[UNKNOWN].clone()
    known, tokenizer = Learned(table), ClipTokenizer()
    told = set()
    for word in (
        "night",
        "rain",
        "truck",
        "overpass",
        "jaywalking",
        "motorbikes",
        "gantry",
        "hgv",
        "snowplough",
    ):
        rows = table[list(tokenizer(word, 24).ids[1:-1])]
        passed = all(torch.equal(row, table[UNKNOWN]) for row in rows)
        assert known.unlearned(word) == (((word,), True) if passed else ((), False))
        told.add(passed)
    assert told == {True, False}
