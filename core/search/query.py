"""What a query asks for and what it leaves out: `intersection at night -rain -"parked car"`.

A minus counts at the beginning of a word only, right before a letter or a quotation mark. So "two-wheeler", "cut-in",
"-3 degrees", "--", and a dash that stands alone stay what they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from core.errors import DrivescopeError, ErrorKind

_MINUS: Final = re.compile(r"(?<!\S)-(?:[\"“](?!\s)([^\"“”]*)(?:[\"”]|$)|(?=[^\W\d_])(\S+))")
"""A quotation that is not closed yet goes to the end: a person is still typing it."""
_MARKS: Final = ".,;:!?\"“”'’()"


@dataclass(frozen=True)
class Query:
    """A query taken apart.

    `positive` is the text with blanks where its minus words stand, so that an offset in it is one in `text`; `without`
    are the words and phrases behind a minus, each once.
    """

    text: str
    positive: str
    without: tuple[str, ...]


def positive(text: str) -> str:
    """What a query asks for, which is what explanations are about. Raises like `read_query`."""
    return read_query(text).positive


def read_query(text: str) -> Query:
    """Take a query apart. Raises DrivescopeError(BAD_INPUT) if it says nothing but what to leave out."""
    query = take_apart(text)
    if query.without and not any(map(str.isalnum, query.positive)):
        only = " ".join(f'-"{phrase}"' if " " in phrase else f"-{phrase}" for phrase in query.without)
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"The query says only what must not be there: put what to look for before it, as in “a car {only}”.",
        )
    return query


def take_apart(text: str) -> Query:
    """Any text as a query, also one that says only what to leave out."""
    found = [match[1] if match[1] is not None else match[2] for match in _MINUS.finditer(text)]
    if not found:
        return Query(text, text, ())
    left = _MINUS.sub(lambda match: " " * len(match[0]), text).rstrip()
    phrases = (" ".join(phrase.split()).strip(_MARKS) for phrase in found)
    without = {phrase.casefold(): phrase for phrase in phrases if any(map(str.isalnum, phrase))}
    return Query(text, left, tuple(without.values()))
