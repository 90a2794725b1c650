"""Which meaning a phrase has here: a turn or turns, light rain or the light, a parked car or parks.

Only neighbours decide. Each rule is one sentence of grammar; where none speaks, the first reading stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.explain import english
from core.explain.lexicon import Kind, Reading, Unit
from core.explain.ontology import Ontology

_NOUN_BEFORE: Final[tuple[Kind, ...]] = (
    "determiner", "attribute", "number", "quantity", "preposition", "negate_noun",
)  # fmt: skip
_SHY_BEFORE: Final = frozenset({"auxiliary", "pronoun", "ego", "negate_verb"})
FILLER: Final = Reading("filler", "", "", 1)


def next_noun(units: Sequence[Unit], position: int) -> Reading | None:
    """The noun that the words from `position` describe, over adjectives and at most one unknown word."""
    unknown = 0
    for offset, unit in enumerate(units[position : position + 4]):
        noun = unit.reading("noun")
        if noun is not None and unit.reading("attribute") is None:
            return noun
        if unit.kind == "unknown":
            unknown += 1
        if unknown > 1 or unit.reading("attribute", "joiner", "unknown", "relation", "word") is None:
            return noun
        if unit.kind == "joiner" and (
            position + offset + 1 >= len(units) or units[position + offset + 1].reading("attribute") is None
        ):
            return None
    return None


class Chooser:
    """Picks one reading of a unit from what stands around it."""

    def __init__(self, units: Sequence[Unit], ontology: Ontology) -> None:
        self._units = units
        self._ontology = ontology

    def choose(self, position: int) -> Reading:
        """The reading of the unit at `position`."""
        unit = self._units[position]
        before = self._units[position - 1] if position else None
        reading = self._choose(unit, before, position)
        return FILLER if self._is_ordinary_noun(reading, unit, before) else reading

    def _choose(self, unit: Unit, before: Unit | None, position: int) -> Reading:
        """Rules for each pair of kinds that share phrases."""
        kinds = {reading.kind for reading in unit.readings}
        if unit.word in ("light", "lights") and unit.readings[0].length == 1:
            return self._light(unit, before, position)
        if "order" in kinds and before is not None and before.kind == "determiner":
            return FILLER
        if "comparison" in kinds:
            following = self._units[position + 1] if position + 1 < len(self._units) else None
            return self._pick(unit, following is not None and following.kind == "number", "comparison")
        if kinds >= {"verb", "attribute"}:
            return self._pick(unit, self._describes(unit, before, position), "attribute", "verb")
        if kinds >= {"word", "attribute"}:
            noun = next_noun(self._units, position + 1)
            if noun is not None and self._table(noun) == "light":
                return FILLER  # a dark afternoon is no night
            return self._pick(unit, noun is not None and self._table(noun) == "actor", "attribute", "word")
        if kinds >= {"verb", "noun"}:
            return self._pick(unit, self._is_named(unit, before, position), "noun", "verb")
        verb = unit.reading("verb")
        if verb is not None and verb.form == "shy" and not self._allows_shy(before):
            return next((reading for reading in unit.readings if reading.form != "shy"), FILLER)
        return verb if verb is not None and verb.form == "shy" else unit.readings[0]

    def _pick(self, unit: Unit, first: bool, kind: Kind, other: Kind | None = None) -> Reading:
        """The reading of `kind` if `first`, else of `other` (or any that is not of `kind`)."""
        if first:
            return unit.reading(kind) or unit.readings[0]
        if other is not None:
            return unit.reading(other) or unit.readings[0]
        return next((reading for reading in unit.readings if reading.kind != kind), FILLER)

    def _table(self, reading: Reading) -> str:
        """The ontology table of a noun reading."""
        return self._ontology.concepts[reading.value].table

    def _light(self, unit: Unit, before: Unit | None, position: int) -> Reading:
        """Light traffic, the light, light turns green; in a dull light it is nothing that we know."""
        noun = next_noun(self._units, position + 1)
        if noun is not None and (self._table(noun) == "weather" or noun.value == "traffic"):
            return unit.reading("attribute") or unit.readings[0]
        following = self._units[position + 1] if position + 1 < len(self._units) else None
        if unit.word == "light" and following is not None and following.kind == "attribute":
            return FILLER  # light blue
        signal = unit.reading("noun") or unit.readings[0]
        if unit.word == "lights" and before is not None and before.word in ("their", "its", "his", "her"):
            return FILLER  # their own
        if before is not None and (before.kind == "determiner" or before.word in ("at", "no")):
            return signal if before.word != "no" or unit.word == "light" else FILLER
        if following is not None and (
            following.kind in ("be", "have")
            or following.word.startswith(("turn", "chang", "goes", "stays", "remain"))
        ):
            return signal
        return FILLER

    def _describes(self, unit: Unit, before: Unit | None, position: int) -> bool:
        """Whether a word that is verb and adjective stands before its noun: the *parked* cars."""
        if next_noun(self._units, position + 1) is None:
            return False
        if before is None:
            return True
        verb = unit.reading("verb")
        if before.kind in ("be", "auxiliary", "pronoun", "ego", "noun") and verb is not None:
            return before.kind == "be" and verb.form == "past" and unit.word == "stopped"
        return True

    def _is_named(self, unit: Unit, before: Unit | None, position: int) -> bool:
        """Whether a word that is noun and verb is a noun: after an article, or before a verb of its own."""
        following = self._units[position + 1] if position + 1 < len(self._units) else None
        verb = unit.reading("verb")
        if before is None and verb is not None and verb.form == "base" and following is not None:
            after = following.reading("verb", "be")
            return after is not None and after.form != "base"
        if (
            verb is not None
            and verb.form == "ing"
            and following is not None
            and following.kind == "determiner"
        ):
            return before is not None and before.kind == "determiner"  # crossing the road
        return before is not None and before.reading(*_NOUN_BEFORE) is not None

    def _allows_shy(self, before: Unit | None) -> bool:
        """To back, we slow, cars near: the few places where these words are verbs."""
        if before is None:
            return False
        noun = before.reading("noun")
        return before.kind in _SHY_BEFORE or before.word == "to" or (noun is not None and noun.form == "many")

    def _is_ordinary_noun(self, reading: Reading, unit: Unit, before: Unit | None) -> bool:
        """The park, a start, its brakes: bare verbs after an article that name nothing of ours."""
        if reading.kind != "verb" or reading.form not in ("base", "third", "shy") or reading.length > 1:
            return False
        stem = unit.word.removesuffix("s")
        if stem not in english.NOT_NOMINAL or before is None or before.word.endswith("ly"):
            return False
        return before.kind in ("determiner", "attribute")
