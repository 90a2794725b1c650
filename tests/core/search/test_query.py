"""What a minus means and what it does not, and that offsets survive."""

import pytest

from core.errors import DrivescopeError
from core.search.query import read_query, take_apart


@pytest.mark.parametrize(
    ("text", "positive", "without"),
    [
        ("intersection at night -rain", "intersection at night", ("rain",)),
        ('intersection at night -rain -"parked car"', "intersection at night", ("rain", "parked car")),
        ("a bus -snow in the city", "a bus in the city", ("snow",)),
        ("-rain a bus", "a bus", ("rain",)),
        ("a bus -rain, -fog.", "a bus", ("rain", "fog")),
        ("a bus -Rain -rain", "a bus", ("rain",)),
        ("a road -cut-in", "a road", ("cut-in",)),
        ('a road -"red   car "', "a road", ("red car",)),
        ("a road -“parked car” ahead", "a road ahead", ("parked car",)),
        ('a road -"parked c', "a road", ("parked c",)),  # still being typed
        ('a road -"', "a road", ()),
        ('a road -""', "a road", ()),
        ("夜の道 -雨", "夜の道", ("雨",)),
        ("a road\t-rain\u00a0-fog", "a road", ("rain", "fog")),
    ],
)
def test_minus_words_are_read(text, positive, without):
    query = read_query(text)
    assert " ".join(query.positive.split()) == positive
    assert query.without == without
    assert query.text == text


@pytest.mark.parametrize(
    "text",
    [
        "a two-wheeler in a cut-in",
        "night - rain",
        "night -",
        "-",
        "--",
        "a road --rain",
        "-3 degrees and -0.5 m/s",
        "the car slows-then stops",
        "t-junction (-rain)",
        "an en dash –rain and a true minus −rain",
        'a sign that says "no -" entry',
        "-_x",
        "",
        "   ",
    ],
)
def test_a_dash_that_is_no_minus_leaves_the_text_as_it_is(text):
    query = read_query(text)
    assert (query.positive, query.without) == (text, ())


def test_offsets_in_the_positive_part_are_offsets_in_the_text():
    text = 'a red -"parked car" bus -rain at night -fog'
    positive = read_query(text).positive
    for word in ("red", "bus", "night"):
        at = positive.index(word)
        assert text[at : at + len(word)] == word
    assert positive == positive.rstrip()


@pytest.mark.parametrize("text", ["-rain", ' -rain -"parked car" ', "-rain , ."])
def test_minus_words_alone_are_refused_with_what_to_do(text):
    with pytest.raises(DrivescopeError, match="put what to look for before it") as refused:
        read_query(text)
    assert "-rain" in refused.value.sentence
    assert refused.value.kind == "bad_input"
    assert take_apart(text).without[0] == "rain"


def test_a_hundred_thousand_letters_are_read_in_no_time():
    text = '-"' * 50_000 + " -a" * 10
    assert take_apart(text).text == text
