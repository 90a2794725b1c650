"""Words that the shipped model never learned: named in the reply, and without any say in the order of the clips."""

import json

import pytest

from core import paths
from core.cli import main
from core.library.library import Library
from core.models.bundle_io import STUDENT
from core.models.files import read_tensors
from core.models.learned import UNKNOWN
from core.models.registry import load_bundle
from core.models.tokens import ClipTokenizer
from core.protocol import NAMED_WORDS, passed_over
from core.search.pipeline import Searcher
from core.search.results import NOTHING_LEARNED
from tests.core.search.test_pipeline import add_clips

MANY = ("submarine", "kangaroo", "zeppelin", "saxophone", "giraffe", "pharaoh", "volcano", "penguin")


@pytest.fixture(scope="module")
def searcher(tmp_path_factory):
    bundle = load_bundle(device="cpu", precision="float32")
    library = Library.create(tmp_path_factory.mktemp("unlearned") / "library", bundle.spec)
    add_clips(library, bundle, "/drive/night.mp4", 30, seed=1)
    yield Searcher(library, bundle)
    library.close()


@pytest.fixture(scope="module")
def two():
    """Two words that the shipped weights have not learned, whichever they are."""
    folder = paths.resources() / "weights" / "drive-tiny"
    table, tokenizer = read_tensors(folder / STUDENT)["clip.token_embedding.weight"], ClipTokenizer()
    rows = {word: table[list(tokenizer(word, 9).ids[1:-1])] for word in MANY}
    found = [word for word, pieces in rows.items() if (pieces == table[UNKNOWN]).all()]
    assert len(found) >= 2, "the model has learned what a driving world does not have"
    return found[:2]


def last(searcher, text):
    *_, ranked = searcher.search(text, k=30)
    return ranked


def order(ranked):
    return [hit.clip_id for hit in ranked.hits]


def test_both_stages_name_them_as_typed_minus_words_too(searcher, two):
    one, other = two[0].capitalize(), two[1]
    for ranked in searcher.search(f"a {one} crosses at night -rain -{other}"):
        assert ranked.unlearned == (one, other)
        assert ranked.without == ("rain", other)
        assert NOTHING_LEARNED not in ranked.notes
    assert last(searcher, "a pedestrian crosses at night -rain").unlearned == ()


def test_a_minus_word_that_was_never_learned_takes_nothing_off(searcher, two):
    plain, without = last(searcher, "a car at night"), last(searcher, f"a car at night -{two[0]}")
    assert order(without) == order(plain)
    assert all(hit.taken == 0 for hit in without.hits)
    some, both = last(searcher, "a car at night -rain"), last(searcher, f"a car at night -rain -{two[0]}")
    assert order(both) == order(some) != order(plain)


def test_a_query_of_such_words_alone_says_that_its_order_says_nothing(searcher, two):
    for text in (" ".join(two), f"a {two[0]} in the {two[1]}"):
        ranked = last(searcher, text)
        assert ranked.unlearned == tuple(two)
        assert ranked.notes == (NOTHING_LEARNED,)
        assert (ranked.likely, ranked.line_follows) == (None, False)


def test_the_command_line_says_it_in_one_line_beside_the_answer(searcher, two, capsys):
    library = str(searcher.library.folder)
    assert main(["search", f"a {two[0]} at night", "--library", library, "--device", "cpu", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["unlearned"] == [two[0]]
    assert told.err == passed_over((two[0],)) + "\n"


def test_the_sentence_names_a_few_and_counts_the_rest():
    assert passed_over(()) == ""
    assert passed_over(("Moose",)) == "“Moose” is a word that this model has not learned; it is passed over."
    words = tuple("abcdef")
    assert passed_over(words[:2]).startswith("“a” and “b” are words that this model has not learned; they")
    assert passed_over(words[:NAMED_WORDS]).startswith("“a”, “b”, “c” and “d” are words")
    assert passed_over(words).startswith("“a”, “b”, “c” and 3 more are words")
