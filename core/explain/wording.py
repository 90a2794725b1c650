"""Small changes of a query: a word left out, or a concept of the ontology exchanged for another of its kind.

A replacement keeps the form of what it replaces: a plural becomes a plural, "braking" becomes "overtaking". Nothing
here knows a model; `why_not.py` tries what this room proposes.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from core.explain import english
from core.explain.inflection import plurals, verb_forms
from core.explain.ontology import Concept, Ontology, load_ontology
from core.explain.text_skeleton import skeleton

if TYPE_CHECKING:
    from core.explain.skeleton_records import TextSkeleton
    from core.explain.words import Word

ALTERNATIVES: Final = 14
"""Replacements proposed for one concept: its nearest relatives first."""
_SMALL: Final = english.PREPOSITIONS | english.DETERMINERS | english.JOINERS | english.BE | english.PRONOUNS
_SIDES: Final = {"left": "right", "right": "left"}
_MARKS: Final = ".,;:!?\"'()"
Form = tuple[str, str]
"""Part of speech and form, e.g. ("noun", "plural") or ("verb", "ing")."""


@dataclass(frozen=True)
class Edit:
    """Letters [start, end) of a query become `new`; an empty `new` leaves them out."""

    start: int
    end: int
    old: str
    new: str


def apply(text: str, edits: Sequence[Edit]) -> str:
    """The query with these edits, which must not overlap; single spaces, and "a" or "an" as the new word wants it."""
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        before = text[: edit.start]
        if edit.new:
            n = "n" if re.match(r"[aeio]|u(?!-)", edit.new, re.IGNORECASE) else ""
            before = re.sub(r"\b([aA])n? $", rf"\g<1>{n} ", before)
        text = before + edit.new + text[edit.end :]
    return " ".join(text.split())


def overlap(a: Edit, b: Edit) -> bool:
    """Whether two edits touch the same letters."""
    return a.start < b.end and b.start < a.end


def is_small(word: str) -> bool:
    """Whether a word only holds the sentence together (a, the, on, and ...)."""
    return word.strip(_MARKS).lower() in _SMALL


def deletions(words: Sequence[Word], text: str) -> list[Edit]:
    """Each word that says something left out on its own; none if it is the only word."""
    return [
        Edit(word.start, word.end, text[word.start : word.end], "")
        for word in words
        if len(words) > 1 and not is_small(word.text)
    ]


def substitutions(
    text: str, ontology: Ontology | None = None, *, alternatives: int = ALTERNATIVES
) -> list[Edit]:
    """Concepts and attributes of the query exchanged for others of the same slot, and left for right."""
    ontology = ontology or load_ontology()
    found = list(_of_concepts(skeleton(text, ontology), ontology, alternatives))
    for match in re.finditer(r"\b(left|right)\b", text, re.IGNORECASE):
        found.append(Edit(match.start(), match.end(), match.group(), _SIDES[match.group().lower()]))
    unique = {(edit.start, edit.end, edit.new): edit for edit in found if edit.new != edit.old.lower()}
    return list(unique.values())


def _of_concepts(read: TextSkeleton, ontology: Ontology, alternatives: int) -> Iterator[Edit]:
    for value in read.slots:
        concept = ontology.concepts[value.value]
        of_slot = ontology.of_slot(value.slot)
        yield from itertools.islice(
            _exchanged(read.text, value.start, value.end, concept, of_slot), alternatives
        )
        for attribute in value.attributes:
            own = ontology.concepts[attribute.value]
            same_kind = [other for other in ontology.of_slot("attribute") if other.kind == own.kind]
            yield from itertools.islice(
                _exchanged(read.text, attribute.start, attribute.end, own, same_kind), alternatives
            )


def _exchanged(
    text: str, start: int, end: int, concept: Concept, others: Sequence[Concept]
) -> Iterator[Edit]:
    """The concept's longest phrase inside [start, end) in the words of its relatives, nearest first."""
    said = text[start:end].casefold()
    places = [
        (len(phrase), found.start(), phrase, form)
        for phrase, form in _phrases(concept)
        if (found := re.search(rf"\b{re.escape(phrase)}\b", said))
    ]
    if not places:
        return
    length, at, _, form = max(places, key=lambda place: place[0])
    old = text[start + at : start + at + length]
    relatives = sorted(
        (other for other in others if other.id != concept.id), key=lambda other: not _related(concept, other)
    )
    sayable = (next((phrase for phrase, own in _phrases(other) if own == form), "") for other in relatives)
    for new in filter(None, sayable):
        yield Edit(start + at, start + at + length, old, new)


def _related(one: Concept, other: Concept) -> bool:
    """Parent and child, or children of one parent."""
    return one.id == other.parent or other.id == one.parent or bool(one.parent and one.parent == other.parent)


def _phrases(concept: Concept) -> Iterator[tuple[str, Form]]:
    """Every way to say a concept, the usual one of each form first."""
    for noun in concept.nouns:
        *before, last = noun.split(" ")
        yield noun, ("noun", "singular")
        for plural in plurals(last):
            yield " ".join((*before, plural)), ("noun", "plural")
    for verb in concept.verbs:
        first, _, rest = verb.partition(" ")
        for bent, form in verb_forms(first):
            yield f"{bent} {rest}".strip(), ("verb", form)
    for word in concept.words:
        yield word, ("word", "")
