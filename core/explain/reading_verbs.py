"""Verbs: who does what, in which direction, and which verbs only help another one."""

from __future__ import annotations

from typing import Final

from core.explain.choices import next_noun
from core.explain.drafts import Clause
from core.explain.lexicon import Reading, Unit
from core.explain.ontology import MANOEUVRE
from core.explain.reading_details import LIGHT_OF, unit_text
from core.explain.reading_nouns import NounReading
from core.explain.reading_state import UNKNOWN
from core.explain.skeleton_records import EGO, Attribute

_LIGHT_VERBS: Final = frozenset({"turn", "drive", "change_lane", "stationary", "start"})
_STATE_OF: Final = {"stationary": "stopped", "park": "parked", "stop": "stopped"}
_PASSIVE: Final = frozenset({"overtake", "pass", "follow", "cut_in", "collision"})
_TRANSITIVE: Final = frozenset(
    {"overtake", "pass", "follow", "approach", "cut_in", "cross", "load", "collision", "wait"}
)
_HELPERS: Final = frozenset({"start", "drive"})
_FORMS_OF_BE: Final = frozenset({"is", "are", "was", "were", "'s", "'re"})
_CROSSED: Final = frozenset(
    {
        "intersection",
        "crosswalk",
        "traffic_light",
        "red_light",
        "green_light",
        "amber_light",
        "level_crossing",
    }
)
_LEFT: Final = frozenset({"highway", "ramp", "roundabout", "tunnel", "parking_lot"})
_LANES: Final = frozenset({"left_lane", "right_lane", "middle_lane", "bus_lane", "bike_lane", "turn_lane"})


class VerbReading(NounReading):
    """Handlers of verbs, and of nouns that are events."""

    def _verb(self, unit: Unit, reading: Reading) -> None:
        """A verb: an event of somebody, a state of others, a change of a light, or only a helper of the next verb."""
        concept = self._ontology.concepts[reading.value]
        if concept.table not in (MANOEUVRE, "hazard"):
            self._add(unit, reading)
            self._bend_at = self._at
        elif self._is_light_change(concept.id) or (concept.id in _HELPERS and self._leads_to_verb()):
            self._close_relation()
        elif self._modifies_next(reading):
            self._add_modifier(unit, reading)
        elif not self._is_resting(unit, reading):
            self._split_fronted(reading)
            self._add_event(unit, self._lane_or_place(unit, reading))

    def _modifies_next(self, reading: Reading) -> bool:
        """A braking car, behind turning trucks: who does it comes next. "Overtaking cars" is what we do."""
        before, after = self._previous(), self._peek()
        noun = after.reading("noun") if after is not None and after.kind == "noun" else None
        if reading.form != "ing" or self._after_be or noun is None:
            return False
        if self._ontology.concepts[noun.value].table != "actor":
            return False
        named = before is not None and before.kind in (
            "determiner",
            "number",
            "quantity",
            "attribute",
            "negate_noun",
        )
        if reading.value in _TRANSITIVE:
            return named
        return named or before is None or before.kind in ("relation", "preposition", "direction")

    def _add_modifier(self, unit: Unit, reading: Reading) -> None:
        """An event whose doer is the next noun, which keeps its attributes, its count and its "no"."""
        negation, waiting = self._negation, self._pending_attributes
        self._modifier = self._last_verb = self._add(unit, reading)
        self._turn_from_before(unit)
        self._last_verb = None
        self._negation, self._pending_attributes = negation, waiting

    def _leads_to_verb(self) -> bool:
        """Starts *to turn*, continues *accelerating*: the next verb is the one that counts."""
        after = self._peek()
        if after is not None and after.word == "to":
            after = self._peek(2)
            verb = after.reading("verb") if after is not None else None
            return verb is not None and verb.form in ("base", "shy")
        verb = after.reading("verb") if after is not None else None
        return verb is not None and verb.form == "ing"

    def _is_light_change(self, concept: str) -> bool:
        """The light turns green: no car turns."""
        after = self._peek()
        if after is not None and after.word in LIGHT_OF and next_noun(self._units, self._at + 2) is None:
            self._head = None if self._previous_word() == "it" else self._head
            return True
        about_light = self._light is not None and self._near == self._light
        return about_light and self._head is None and concept in _LIGHT_VERBS

    def _is_resting(self, unit: Unit, reading: Reading) -> bool:
        """Traffic is stopped, a van parked at the kerb: the rest of others is an attribute of theirs."""
        state = _STATE_OF.get(reading.value)
        said_with_be = unit.word in _FORMS_OF_BE
        after_be = self._after_be or said_with_be
        about = self._head if after_be and self._head is not None else self._near_actor
        if state is None or about is None or self._table(about) != "actor":
            return False
        if reading.form != "past" and not (reading.form == "third" and said_with_be):
            return False
        described = self._last_verb is not None or self._head is None
        if not (after_be or reading.value == "park" or described):
            return False
        self._close_relation()
        self._give(about, Attribute("state", state, unit.start, unit.end, self._negation == "verb"))
        self._negation = ""
        return True

    def _lane_or_place(self, unit: Unit, reading: Reading) -> Reading:
        """Moves into the left lane, or into a parking space: only a lane makes it a lane change."""
        last = unit_text(self._text, unit).split()[-1].casefold()
        if reading.value == "cross" and last == "through":
            nouns = [ahead.reading("noun") for ahead in self._units[self._at + 1 : self._at + 6]]
            crossed = any(noun is not None and noun.value in _CROSSED for noun in nouns)
            return reading if crossed else self._instead("drive", reading)
        if reading.value == "exit" and unit.word.startswith("leav"):
            nouns = [ahead.reading("noun") for ahead in self._units[self._at + 1 : self._at + 4]]
            left = any(noun is not None and noun.value in _LEFT for noun in nouns)
            return reading if left else self._instead("start", reading)
        if reading.value not in ("change_lane", "enter", "turn") or last not in ("into", "to", "onto"):
            return reading
        for ahead in self._units[self._at + 1 : self._at + 6]:
            noun = ahead.reading("noun")
            if ahead.word in ("lane", "lanes") or (noun is not None and noun.value in _LANES):
                return reading
            if noun is not None and noun.value == "parking_space":
                return self._instead("park", reading)
        if reading.value != "change_lane":
            return reading
        return self._instead("drive" if last == "to" else "enter", reading)

    def _instead(self, concept: str, reading: Reading) -> Reading:
        """The same verb as another concept, where the ontology has it."""
        known = concept in self._ontology.concepts
        return Reading(reading.kind, concept, reading.form, reading.length) if known else reading

    def _split_fronted(self, reading: Reading) -> None:
        """Before turning left the car waits: the main clause begins at its subject, comma or not."""
        clause = self._clauses[self._clause]
        if not clause.fronted or self._last_verb is None or self._head is None:
            return
        if reading.form not in ("third", "past", "base"):
            return
        begin = self._segment_start if self._head == EGO else self._head
        last = self._drafts[self._last_verb]
        last.target = None if last.target == self._head else last.target
        self._clauses.append(Clause())
        for draft in self._drafts[begin:]:
            draft.clause = self._clause

    def _doer(self, reading: Reading) -> int | None:
        """Who does it: the head of the segment, a road user just before, else who did the last thing.

        None when a road or a sign is the subject (the road turns right), so that nobody does anything.
        """
        before = self._previous()
        bare_ing = reading.form == "ing" and not self._after_be
        just_before = before is not None and before.kind in ("noun", "relation", "pronoun", "ego")
        if self._head is not None:
            return (
                self._near_actor if bare_ing and just_before and self._near_actor is not None else self._head
            )
        if self._near_actor is not None:
            linked = before is not None and before.kind in ("relative", "auxiliary", "be", "preposition")
            if bare_ing or linked or just_before or self._last_verb is not None:
                return self._near_actor
        if self._unknown_noun and self._last_verb is None:
            return UNKNOWN
        if (
            self._inanimate
            and reading.kind == "verb"
            and reading.form in ("third", "past")
            and self._last_verb is None
        ):
            return None
        return self._subject

    def _add_event(self, unit: Unit, reading: Reading) -> None:
        """A manoeuvre or a hazard that happens, with who does it and the adverbs that waited for it."""
        doer = self._doer(reading)
        self._close_relation()
        if doer is None:
            self._new_segment()
            return
        denied = doer >= 0 and self._drafts[doer].negated and self._negation in ("coordinate", "")
        passive = reading.form == "past" and reading.value in _PASSIVE and self._is_passive()
        if doer == EGO and self._ontology.concepts[reading.value].others:
            doer = UNKNOWN
        manner, self._pending_manner = self._pending_manner, []
        index = self._add(unit, reading)
        draft = self._drafts[index]
        draft.negated = draft.negated or denied
        draft.attributes += manner
        draft.subject, draft.target = (EGO, doer) if passive else (doer, None)
        if reading.kind == "noun" and (after := self._peek()) is not None and after.word == "of":
            draft.subject, self._modifier = UNKNOWN, index  # a lane change *of the truck*
        if reading.kind == "verb":
            self._topic = (
                doer if self._last_verb is None and self._subject == EGO == self._topic else self._topic
            )
            leads = doer == self._head or doer == self._subject
            if leads and self._previous_word() != "to":  # "waits for a child to cross and turns": we turn
                self._subject = draft.subject
        self._pending_attributes = []
        self._last_verb, self._last_verb_at = index, self._at
        self._passive = index if passive else None
        self._comes_from_origin(unit)
        self._turn_from_before(unit)
        self._new_segment()

    def _turn_from_before(self, unit: Unit) -> None:
        """A left-turning truck: the direction stands before the verb."""
        before = self._previous()
        if before is not None and before.kind == "direction" and unit.word != before.word:
            self._turn_towards(before.value, unit)

    def _comes_from_origin(self, unit: Unit) -> None:
        """From the left a child crosses; a child comes from the left and crosses: it crosses from the left."""
        if not self._origin or self._last_verb is None:
            return
        concept = self._drafts[self._last_verb].concept
        if concept.comes_from and (directed := concept.left if self._origin == "left" else concept.right):
            self._drafts[self._last_verb].concept = self._ontology.concepts[directed]
        if concept.id != "drive":
            self._origin = ""

    def _is_passive(self) -> bool:
        """Is overtaken, overtaken by: a past form after be, or with "by" close behind."""
        return self._after_be or any(unit.word == "by" for unit in self._units[self._at + 1 : self._at + 3])

    def _word(self, unit: Unit, reading: Reading) -> None:
        """A phrase taken as it stands: sunny, on green, straight ahead, someone."""
        concept = self._ontology.concepts[reading.value]
        if concept.table == MANOEUVRE:
            last = self._drafts[self._last_verb] if self._last_verb is not None else None
            if last is not None and last.concept.id == concept.parent and self._near is None:
                last.concept, last.end = concept, unit.end
            else:
                self._add_event(unit, reading)
            return
        index = self._add(unit, reading)
        if concept.table == "actor":
            self._noun_phrase(index)

    def _direction(self, unit: Unit, reading: Reading) -> None:
        """A bare left or right soon after a verb is its direction."""
        if self._near is None and self._at - self._last_verb_at <= 4:
            self._turn_towards(reading.value, unit)

    def _turn_towards(self, side: str, unit: Unit) -> bool:
        """Make turn into turn_left and the like. False when the last verb has no directions."""
        if self._last_verb is None:
            return False
        draft = self._drafts[self._last_verb]
        directed = draft.concept.left if side == "left" else draft.concept.right
        if not directed:
            return draft.concept.id.endswith(f"_{side}")
        origin = unit_text(self._text, unit).casefold().startswith("from")
        if draft.concept.comes_from and not origin and draft.concept.id != "cut_in":
            return False
        draft.concept = self._ontology.concepts[directed]
        if unit.kind != "noun":
            draft.end = unit.end
        return True
