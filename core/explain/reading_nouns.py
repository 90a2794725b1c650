"""Noun phrases: which car is ours, which thing is meant again, and what the reader did not understand."""

from __future__ import annotations

from typing import Final

from core.explain.choices import next_noun
from core.explain.lexicon import Reading, Unit
from core.explain.ontology import MANOEUVRE
from core.explain.reading_details import PLACED, DetailReading, unit_text
from core.explain.skeleton_records import EGO, Unparsed

_RECALLED: Final = frozenset({"actor", "road", "signal"})
_TELLS_APART: Final = frozenset({"ahead", "left_of", "right_of", "oncoming", "both_sides", "far"})


class NounReading(DetailReading):
    """Handlers of everything that names a thing."""

    def _noun(self, unit: Unit, reading: Reading) -> None:
        """A noun of the ontology: our car, an old acquaintance, or a new slot value."""
        concept = self._ontology.concepts[reading.value]
        if concept.table == MANOEUVRE:
            self._add_event(unit, reading)
            return
        if concept.id in ("car", "vehicle") and self._is_ego(unit):
            self._ego(unit, reading)
            return
        known = self._spoken_of(concept.id, reading.form)
        index = self._add(unit, reading) if known is None else known
        if self._modifier is not None and concept.table == "actor":
            self._drafts[self._modifier].subject, self._modifier = index, None
        if concept.table in PLACED and not self._is_compound(concept.table):
            self._noun_phrase(index)
        if concept.table == "weather" and not self._governed:
            self._inanimate = True  # rain starts: we do not
        if "traffic_light" in (concept.id, concept.parent):
            self._light = index
        if concept.table == "light" and any(a.value == "empty" for a in self._pending_attributes):
            self._clear_weather(index)
        if concept.table == "road":
            for attribute in [a for a in self._drafts[index].attributes if a.value == "empty"]:
                self._drafts[index].attributes.remove(attribute)
                self._empty_road(attribute)
        self._pending_attributes = []
        self._count, self._compare = None, None
        self._heads_for_lane(concept.id, unit)

    def _add_event(self, unit: Unit, reading: Reading) -> None:
        """Written in `reading_verbs`: a turn is an event, although it is a noun."""
        raise NotImplementedError

    def _heads_for_lane(self, concept: str, unit: Unit) -> None:
        """Changes *to the left lane*: the lane tells the direction."""
        last = self._drafts[self._last_verb].concept.id if self._last_verb is not None else ""
        if concept in ("left_lane", "right_lane") and last in ("change_lane", "merge"):
            self._turn_towards(concept.removesuffix("_lane"), unit)

    def _is_ego(self, unit: Unit) -> bool:
        """Whether "the car" is ours: nothing tells it apart, and no other car was introduced before ours was named."""
        before, after = self._previous(), self._peek()
        if before is None or before.word != "the" or unit.word not in ("car", "vehicle", "driver"):
            return False
        if self._pending_attributes or self._pre_relation:
            return False
        others = (draft for draft in self._drafts if draft.concept.id in ("car", "vehicle"))
        is_subject = (
            self._last_verb is None and not self._governed
        )  # who comes towards "the car" comes towards us
        if is_subject and not self._ego_seen and any(not draft.negated for draft in others):
            return False
        relation = after.reading("relation") if after is not None else None
        if relation is None:
            return after is None or after.kind != "relative"
        beyond = self._peek(2)
        if relation.value in ("behind", "beside", "near"):
            return beyond is not None and beyond.kind in ("determiner", "number", "attribute", "noun")
        return relation.value not in _TELLS_APART

    def _is_compound(self, table: str) -> bool:
        """A downtown junction, the city centre's traffic: a place that only describes the noun after it."""
        following = self._peek()
        return table == "road" and following is not None and following.kind == "noun"

    def _spoken_of(self, concept: str, form: str) -> int | None:
        """The earlier draft that a bare "the truck" speaks of again."""
        before, after = self._previous(), self._peek()
        if before is None or before.word != "the" or self._pending_attributes or self._count:
            return None
        where = after.value if after is not None and after.kind == "relation" else ""
        for index in range(len(self._drafts) - 1, max(-1, len(self._drafts) - 9), -1):
            draft = self._drafts[index]
            if draft.concept.id == concept and draft.form == form and draft.concept.table in _RECALLED:
                there = not where or (index, where) in self._stands
                return index if not draft.negated and there else None
        return None

    def _noun_phrase(self, index: int) -> None:
        """Give a noun phrase its place in the segment, and to whatever waits for an object or a subject."""
        animate = self._table(index) in ("actor", "ego")
        if self._open_relation is not None and index != self._open_relation[1]:
            self._close_relation(index)
            self._near = index if self._near is None else self._near
            self._near_actor = index if animate and self._near_actor is None else self._near_actor
            self._governed = False
            return
        if self._passive is not None and self._governed and animate:
            self._drafts[self._passive].subject = index
            self._passive = None
        if not self._governed:
            if self._last_verb is not None and self._near is None:
                self._drafts[self._last_verb].target = index
            if animate and self._head is None:
                self._head = index
            self._inanimate = self._inanimate or not animate
        self._near, self._governed, self._after_be = index, False, False
        self._near_actor = index if animate else self._near_actor
        if self._pre_relation is not None and index != EGO:
            predicate, start, end = self._pre_relation
            self._pre_relation = None
            self._relate(index, predicate, EGO, start, end)

    def _ego(self, _unit: Unit, _reading: Reading) -> None:
        """Our own car is named."""
        self._ego_seen = True
        if self._modifier is not None:
            self._drafts[self._modifier].subject, self._modifier = EGO, None
        self._pending_attributes = []
        self._noun_phrase(EGO)

    def _pronoun(self, _unit: Unit, _reading: Reading) -> None:
        """It, they: what the sentence is about."""
        self._noun_phrase(self._topic)

    def _nobody(self, unit: Unit, _reading: Reading) -> None:
        """No one: a denied pedestrian."""
        if "pedestrian" not in self._ontology.concepts:
            return
        self._negation = "noun"
        self._noun_phrase(self._add(unit, Reading("noun", "pedestrian", "one", 1)))

    def _unknown(self, unit: Unit, _reading: Reading) -> None:
        """List what was not understood; neighbours make one stretch."""
        before = self._previous()
        if before is not None and before.kind == "unknown" and self._unparsed:
            start = self._unparsed[-1].start
            self._unparsed[-1] = Unparsed(self._text[start : unit.end], start, unit.end)
        else:
            self._unparsed.append(Unparsed(unit_text(self._text, unit), unit.start, unit.end))
        if before is not None and before.kind in ("determiner", "attribute", "number", "unknown"):
            self._unknown_noun = self._unknown_noun or not self._governed
        self._end_denial()

    def _end_denial(self) -> None:
        """Without lights at night: the "no" was for a noun that fills no slot, and goes no further."""
        if self._negation == "noun" and next_noun(self._units, self._at + 1) is None:
            self._negation = ""
