"""What is said about things and events: counts, attributes, the state of a traffic light, and where something is."""

from __future__ import annotations

from typing import Final, Literal

from core.explain.choices import next_noun
from core.explain.drafts import Draft
from core.explain.english import COMPARISONS
from core.explain.lexicon import Kind, Reading, Unit
from core.explain.reading_state import UNKNOWN, ReadingState
from core.explain.skeleton_records import EGO, Attribute, Count, Order

LIGHT_OF: Final = {
    "red": "red_light",
    "green": "green_light",
    "yellow": "amber_light",
    "orange": "amber_light",
}
"""A colour said of a traffic light -> its state."""
PLACED: Final = frozenset({"actor", "road", "signal", "hazard"})
"""Tables of things that are somewhere."""
_ROADS: Final = frozenset({"road", "street", "roadway", "lane", "path", "way"})
_BEFORE_OBJECT: Final = frozenset(
    {
        "of",
        "to",
        "with",
        "behind",
        "beside",
        "alongside",
        "between",
        "near",
        "under",
        "below",
        "beneath",
        "among",
        "from",
    }
)
_OPENS_PHRASE: Final[tuple[Kind, ...]] = (
    "determiner", "noun", "ego", "pronoun", "number", "quantity", "attribute", "unknown",
)  # fmt: skip


class DetailReading(ReadingState):
    """Handlers of everything that describes."""

    def _turn_towards(self, side: str, unit: Unit) -> bool:
        """Written in `reading_verbs`: the last verb takes a direction."""
        raise NotImplementedError

    def _number(self, unit: Unit, reading: Reading) -> None:
        """A count waits for its noun: at least two, several."""
        compare, self._compare = self._compare, None
        if self._count is not None and self._is_range():
            first, second = self._count.value or 0, int(reading.value) if reading.value.isdecimal() else 0
            self._count = Count("at_least", min(first, second), self._count.start, unit.end)
            return
        if not reading.value.isdecimal():
            bound: Literal["several", "many"] = "several" if reading.value == "several" else "many"
            self._count = Count(bound, None, unit.start, unit.end)
            return
        value = int(reading.value)
        if compare is None:
            self._count = Count("exactly", value, unit.start, unit.end)
            return
        side, step = COMPARISONS[compare.value]
        upper = side == "at_most"
        self._count = Count("at_most" if upper else "at_least", value + step, compare.start, unit.end)

    def _is_range(self) -> bool:
        """Two or three, ten to twelve: what is sure is the smaller one."""
        return (
            self._at >= 2
            and self._units[self._at - 2].kind == "number"
            and self._previous_word() in ("or", "to", "and")
        )

    def _comparison(self, unit: Unit, _reading: Reading) -> None:
        """At least, more than: waits for its number."""
        self._compare = unit

    def _attribute(self, unit: Unit, reading: Reading) -> None:
        """A property, given to the noun that follows, the verb nearby, or the noun it is said of."""
        noun = next_noun(self._units, self._at + 1)
        if noun is None and reading.value in LIGHT_OF and self._is_said_of_light():
            self._light_state(unit, LIGHT_OF[reading.value])
            return
        kind = self._ontology.concepts[reading.value].kind
        if reading.value == "dark_coloured" and self._is_colour(self._peek()):
            return  # dark blue is a blue
        denied = self._negation == "verb" and noun is None
        attribute = Attribute(kind, reading.value, unit.start, unit.end, denied)
        self._negation = "" if denied else self._negation
        adverb = unit_text(self._text, unit).endswith("ly") or kind == "manner"
        before, after = self._previous(), self._peek()
        if noun is not None and not (adverb and unit.word.endswith("ly")):
            self._pending_attributes.append(attribute)
        elif reading.value == "empty" and self._is_about_road(after):
            self._empty_road(attribute)
        elif adverb and after is not None and after.kind == "verb":
            self._pending_manner.append(attribute)  # is slowly rolling
        elif adverb and self._last_verb is not None and (before is None or before.kind != "joiner"):
            self._drafts[self._last_verb].attributes.append(attribute)
        elif self._after_be and (about := self._near if self._head is None else self._head) is not None:
            self._give(about, attribute)
        elif adverb:
            self._pending_manner.append(attribute)
        elif before is not None and before.reading("noun", "relation") and self._near is not None:
            self._give(self._near, attribute)

    def _is_colour(self, unit: Unit | None) -> bool:
        """Whether a unit names a colour."""
        reading = unit.reading("attribute") if unit is not None else None
        return reading is not None and self._ontology.concepts[reading.value].kind == "colour"

    def _is_about_road(self, after: Unit | None) -> bool:
        """Empty roads, the streets are empty: the road is no slot value, that it is empty is one."""
        if after is not None and after.kind == "filler" and after.value in _ROADS:
            return True
        return self._after_be and self._near is None and self._filler_before in _ROADS

    def _give(self, index: int, attribute: Attribute) -> None:
        """Attach an attribute to a draft; our own car and weather have none. An empty lane is a slot value."""
        if attribute.value == "empty" and self._table(index) == "road":
            self._empty_road(attribute)
        elif self._table(index) in PLACED:
            self._drafts[index].attributes.append(attribute)

    def _empty_road(self, attribute: Attribute) -> None:
        """The road, the lane, the junction is empty: there is nobody on it."""
        if "clear_road" not in self._ontology.concepts:
            return
        draft = Draft(self._ontology.concepts["clear_road"], attribute.start, attribute.end, self._clause)
        draft.negated = attribute.negated
        self._drafts.append(draft)

    def _clear_weather(self, index: int) -> None:
        """A clear night: the word is said of the light and means the weather."""
        if "clear" not in self._ontology.concepts:
            return
        draft = self._drafts[index]
        said = next(a for a in (*draft.attributes, *self._pending_attributes) if a.value == "empty")
        if said in draft.attributes:  # not where the light was named before: "night, a clear night"
            draft.attributes.remove(said)
        clear = Draft(self._ontology.concepts["clear"], said.start, said.end, self._clause)
        clear.negated = draft.negated
        self._drafts.append(clear)

    def _is_said_of_light(self) -> bool:
        """Whether a colour is the state of the sentence's traffic light and not of a road user."""
        return self._light is not None and self._head in (None, self._light)

    def _light_state(self, unit: Unit, state: str) -> None:
        """The light is red, turns green, changes from green to amber to red."""
        if self._light is None or state not in self._ontology.concepts:
            return
        draft = self._drafts[self._light]
        if draft.concept.id == "traffic_light":
            draft.concept = self._ontology.concepts[state]
            draft.end = unit.end if 0 < unit.end - draft.end < 24 else draft.end
            draft.negated = draft.negated or self._negation == "verb"
        elif draft.concept.id != state:
            index = self._add(unit, Reading("noun", state, "one", 1))
            self._orders.append(Order("before", self._light, index))
            self._light = index
        self._negation = "" if self._negation == "verb" else self._negation

    def _relation(self, unit: Unit, reading: Reading) -> None:
        """Where something is: ahead, next to a bus, on the left; or the direction of the verb before."""
        side = reading.value.removesuffix("_of")
        is_side = side in ("left", "right")
        if is_side and (
            self._at - self._bend_at == 1 or (self._near is None and self._turn_towards(side, unit))
        ):
            return
        last = self._drafts[self._last_verb].concept.id if self._last_verb is not None else "drive"
        if is_side and unit.word == "from" and last == "drive":
            self._origin = side
        subject = self._placed()
        last_word = unit_text(self._text, unit).split()[-1].casefold()
        following = self._peek()
        if last_word in _BEFORE_OBJECT and following is not None and following.reading(*_OPENS_PHRASE):
            self._open_relation = (reading.value, subject, unit.start, unit.end)
            self._governed = True
        elif subject == UNKNOWN or (
            last_word in ("oncoming", "opposing", "nearby") and next_noun(self._units, self._at + 1)
        ):
            self._pre_relation = (reading.value, unit.start, unit.end)
        elif subject != EGO:
            self._relate(subject, reading.value, EGO, unit.start, unit.end)

    def _placed(self) -> int:
        """Who is where: the noun phrase before, else who did the last thing, else somebody still to come."""
        is_place = self._table(self._near) == "road"
        if is_place and self._head is not None and self._head != EGO:
            return self._head
        if self._near is not None and not (is_place and self._last_verb is not None):
            return self._near
        if self._last_verb is not None:
            subject = self._drafts[self._last_verb].subject
            return UNKNOWN if subject is None else subject
        return UNKNOWN


def unit_text(text: str, unit: Unit) -> str:
    """The words of a unit as they were written."""
    return text[unit.start : unit.end]
