"""From text to units: tokens with character offsets, matched against everything the ontology can say.

The longest phrase wins. Forms come by rule from `inflection`, the grammar's small words from `english`. Nothing is
dropped here: a token that nothing knows becomes a unit of kind "unknown", so that the skeleton can list it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from core.explain import english
from core.explain.inflection import british, plurals, verb_forms
from core.explain.ontology import Ontology

Kind = Literal[
    "noun", "verb", "word", "attribute", "relation", "order", "direction", "ego", "pronoun", "determiner", "be",
    "have", "auxiliary", "preposition", "joiner", "breaker", "relative", "negate_noun", "negate_verb", "nobody",
    "number", "quantity", "comparison", "adverb", "filler", "comma", "stop", "mark", "unknown",
]  # fmt: skip

_TOKEN: Final = re.compile(r"[^\W_]+?(?=n['’]t\b)|n['’]t\b|['’](?:s|re|ll|ve)\b|[^\W_]+|[^\s]")
_ARTICLES: Final = frozenset({"a", "an", "the", "its", "his", "her", "their", "our", "my"})
_INSIDE: Final = english.PRONOUNS | {
    "next",
    "bit",
    "us",
    "me",
    "complete",
    "full",
    "near",
    "rolling",
    "total",
}
_LONGEST_SKIP: Final = 3
_CROSSED: Final = ("the road", "the street", "a road", "a street", "our ", "from ", "left to", "right to")
_MOVING: Final = ("in front", "slowly", "quickly", "ahead", "while", "before", "behind", "on red")
_CLOSED: Final[tuple[tuple[Kind, frozenset[str] | tuple[str, ...]], ...]] = (
    ("ego", english.EGO),
    ("pronoun", english.PRONOUNS),
    ("determiner", english.DETERMINERS),
    ("be", english.BE),
    ("have", english.HAVE),
    ("preposition", english.PREPOSITIONS),
    ("joiner", english.JOINERS),
    ("breaker", english.BREAKERS),
    ("relative", english.RELATIVES),
    ("negate_noun", english.NEGATE_NOUN),
    ("negate_verb", english.NEGATE_VERB),
    ("nobody", english.NOBODY),
    ("auxiliary", english.AUXILIARIES),
    ("adverb", english.ADVERBS),
    ("filler", english.FILLERS),
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word or mark: `word` is folded to lower case and British spelling, offsets count code points."""

    word: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One meaning of a phrase. `value` is a concept id or, for small words, the word; `form` is how it bends."""

    kind: Kind
    value: str
    form: str
    length: int


@dataclass(frozen=True, slots=True)
class Unit:
    """A matched phrase with all readings of its longest match, and where it stands in the text."""

    readings: tuple[Reading, ...]
    word: str
    start: int
    end: int

    @property
    def kind(self) -> Kind:
        """The kind of the first reading, which is the one to take when nothing speaks against it."""
        return self.readings[0].kind

    @property
    def value(self) -> str:
        """The value of the first reading."""
        return self.readings[0].value

    def reading(self, *kinds: Kind) -> Reading | None:
        """The first reading of one of these kinds."""
        return next((reading for reading in self.readings if reading.kind in kinds), None)


def tokens(text: str) -> list[Token]:
    """Words, numbers and marks of any script; hyphens and underscores part words. Linear in the text's length."""
    found = []
    for match in _TOKEN.finditer(text):
        raw = match.group()
        if (
            raw in "-_/"
            and text[match.start() - 1 : match.start()].isalnum()
            and text[match.end() : match.end() + 1].isalnum()
        ):
            continue
        word = raw if raw.isascii() else unicodedata.normalize("NFKC", raw).replace("’", "'")
        found.append(Token(british(word.casefold()), match.start(), match.end()))
    return found


class Lexicon:
    """Every form of everything that can be said, filed by first word."""

    def __init__(self, ontology: Ontology) -> None:
        self._phrases: dict[str, list[tuple[tuple[str, ...], Reading]]] = {}
        self._manner: set[str] = set()
        for concept in ontology.concepts.values():
            kind: Kind = "word"
            if concept.table in ("attribute", "relation", "order"):
                kind = concept.table  # type: ignore[assignment]  # the three tables are kinds by name
            for noun in concept.nouns:
                for form, phrase in _noun_phrases(noun):
                    self._add(phrase, "noun", concept.id, form)
            for verb in concept.verbs:
                for form, phrase in _verb_phrases(verb):
                    if form == "base" and len(phrase) == 1 and phrase[0] in english.SHY_VERBS:
                        form = "shy"
                    self._add(phrase, "verb", concept.id, form)
            for word in concept.words:
                self._add(_words(word), kind, concept.id, "")
                if kind == "attribute" and concept.kind in ("manner", "size"):
                    self._manner.add(_words(word)[0])
        self._add_closed_class(ontology)
        for phrases in self._phrases.values():
            phrases.sort(key=lambda entry: -len(entry[0]))

    def _add(self, phrase: tuple[str, ...], kind: Kind, value: str, form: str) -> None:
        """File one phrase. A phrase that is filed with the same meaning already is left alone."""
        entry = (phrase, Reading(kind, value, form, len(phrase)))
        filed = self._phrases.setdefault(phrase[0], [])
        if entry not in filed:
            filed.append(entry)

    def _add_closed_class(self, ontology: Ontology) -> None:
        """The grammar's small words, numbers, directions and the ontology's background words."""
        for kind, words in _CLOSED:
            for word in words:
                if word.strip():
                    self._add(_words(word), kind, " ".join(_words(word)), "")
        for word, number in english.NUMBERS.items():
            self._add(_words(word), "number", str(number), "")
        for word, quantity in english.QUANTITIES.items():
            self._add(_words(word), "quantity", quantity, "")
        for word in english.COMPARISONS:
            self._add(_words(word), "comparison", word, "")
        for word in ("left", "right"):
            self._add((word,), "direction", word, "")
        for word in ontology.background:
            for _, phrase in _noun_phrases(word):
                self._add(phrase, "filler", word, "")

    def units(self, text: str) -> list[Unit]:
        """The whole text as units, in order; marks of punctuation included."""
        words = tokens(text)
        units: list[Unit] = []
        position = 0
        while position < len(words):
            position, found = self._at(words, position, text)
            units.extend(found)
        return units

    def _at(self, words: list[Token], position: int, text: str) -> tuple[int, list[Unit]]:
        """The longest match at one token, and the manner words that stood inside a verb phrase."""
        token = words[position]
        best: list[tuple[Reading, list[int], int]] = []
        for phrase, reading in self._phrases.get(token.word, ()):
            if best and reading.length < best[0][0].length:
                break
            matched = self._match(phrase, words, position, reading.kind == "verb")
            if matched is not None and self._fits(reading, words, position, matched[1]):
                best.append((reading, *matched))
        if not best:
            return position + 1, [Unit((_loose(token),), token.word, token.start, token.end)]
        end = min(stop for _, _, stop in best)
        best = [entry for entry in best if entry[2] == end]
        unit = Unit(tuple(entry[0] for entry in best), token.word, token.start, words[end - 1].end)
        return end, [unit, *(inner for index in best[0][1] for inner in self._inner(words, index, text))]

    def _match(
        self, phrase: tuple[str, ...], words: list[Token], position: int, loose: bool
    ) -> tuple[list[int], int] | None:
        """Where `phrase` ends when read from `position`; a verb phrase may hold articles and adverbs inside."""
        skipped: list[int] = []
        index = position + 1
        for wanted in phrase[1:]:
            while (
                loose and index < len(words) and words[index].word != wanted and len(skipped) < _LONGEST_SKIP
            ):
                if not self._may_skip(words[index].word):
                    break
                skipped.append(index)
                index += 1
            if index >= len(words) or words[index].word != wanted:
                return None
            index += 1
        return skipped, index

    def _fits(self, reading: Reading, words: list[Token], start: int, end: int) -> bool:
        """Whether a match takes nothing away: "on the left" of a left lane, or the person of "pedestrian crossing"."""
        if reading.kind == "relation":
            return not self._cuts_noun(words, start, end)
        before = words[start - 1].word if start else ""
        if reading.form == "many" and words[end - 1].word == "stops" and before in ("a", "an", "the", "this"):
            return False  # a bus stops
        if reading.kind != "noun" or words[end - 1].word != "crossing" or end - start < 2:
            return True
        following = " ".join(token.word for token in words[end : end + 2])
        place = before in _ARTICLES or before in english.PREPOSITIONS or before in ("zebra", "no")
        return not following.startswith(_CROSSED) and (place or not following.startswith(_MOVING))

    def _cuts_noun(self, words: list[Token], start: int, end: int) -> bool:
        """On the left lane: "on the left" would take the lane's first word away."""
        if end - start < 2:
            return False
        return any(
            reading.kind == "noun"
            and len(phrase) > 1
            and self._match(phrase, words, end - 1, False) is not None
            for phrase, reading in self._phrases.get(words[end - 1].word, ())
        )

    def _may_skip(self, word: str) -> bool:
        """What may stand inside a verb phrase: makes *a slow* right turn, cuts *us* off."""
        return word in _INSIDE or word in _ARTICLES or word in self._manner or word in english.ADVERBS

    def _inner(self, words: list[Token], index: int, text: str) -> Iterator[Unit]:
        """A manner word that was skipped inside a verb phrase."""
        token = words[index]
        for phrase, reading in self._phrases.get(token.word, ()):
            if len(phrase) == 1 and reading.kind == "attribute":
                yield Unit((reading,), token.word, token.start, token.end)


def _loose(token: Token) -> Reading:
    """What a token is that no phrase knows: a number, a mark, or not understood."""
    if token.word.isdecimal():
        return Reading("number", str(int(token.word)) if len(token.word) < 7 else token.word, "", 1)
    if token.word in ",;:(–—":
        return Reading("comma", token.word, "", 1)
    if token.word in ".!?…。！？":
        return Reading("stop", token.word, "", 1)
    if len(token.word) == 1 and unicodedata.category(token.word[0])[0] in "PZCM":
        return Reading("mark", token.word, "", 1)
    return Reading("unknown", token.word, "", 1)


def _words(phrase: str) -> tuple[str, ...]:
    """A phrase as the tokens under which it is filed."""
    return tuple(token.word for token in tokens(phrase))


def _noun_phrases(noun: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Singular and plural of a noun phrase; the last word bends, or the one before "of"."""
    words = _words(noun)
    yield "one", words
    head = words.index("of") - 1 if "of" in words[1:] else len(words) - 1
    for plural in plurals(words[head]):
        yield "many", (*words[:head], plural, *words[head + 1 :])


def _verb_phrases(verb: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """All forms of a verb phrase; its first word bends, after an adverb (nearly hit) or a hyphen (rear-end)."""
    words = tuple(word for word in _words(verb) if word not in _ARTICLES)
    adverb = words[0] in ("nearly", "almost", "narrowly", "just") and len(words) > 1
    head = 1 if adverb or "-" in verb.split()[0] else 0
    for form, shape in verb_forms(words[head]):
        yield shape, (*words[:head], british(form), *words[head + 1 :])


@lru_cache(maxsize=4)
def lexicon_of(ontology: Ontology) -> Lexicon:
    """One lexicon per ontology, made at first use (some ten milliseconds)."""
    return Lexicon(ontology)
