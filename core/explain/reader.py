"""Reads a query from left to right into a text skeleton.

A light-weight parse in one pass, in place of the language model that MMI-TVR asks for its text skeletons. "The car"
without anything that tells it apart is our own car, as in BDD-X and in most captions; so is a verb without a doer.
"""

from __future__ import annotations

from core.explain.drafts import Link, order_of, steps_of
from core.explain.lexicon import Reading, Unit
from core.explain.reading_state import UNKNOWN
from core.explain.reading_verbs import VerbReading
from core.explain.skeleton_records import TextSkeleton

_LINKS: dict[str, Link] = {"then": "then", "before": "before", "after": "after", "while": "while"}


class Reader(VerbReading):
    """Reads one text once. Make it, call `read`, throw it away."""

    def read(self) -> TextSkeleton:
        """The skeleton of the text."""
        handlers = {
            "noun": self._noun, "verb": self._verb, "word": self._word, "attribute": self._attribute,
            "relation": self._relation, "order": self._order, "direction": self._direction, "ego": self._ego,
            "pronoun": self._pronoun, "be": self._be, "preposition": self._preposition, "joiner": self._joiner,
            "breaker": self._breaker, "negate_noun": self._negate, "negate_verb": self._negate,
            "nobody": self._nobody, "number": self._number, "quantity": self._number,
            "comparison": self._comparison, "comma": self._breaker, "stop": self._stop, "unknown": self._unknown,
            "filler": self._filler,
        }  # fmt: skip
        for position, unit in enumerate(self._units):
            self._at = position
            reading = self._chooser.choose(self._at)
            handler = handlers.get(reading.kind)
            if handler is not None:
                handler(unit, reading)
        self._close_relation()
        return self._finished()

    def _finished(self) -> TextSkeleton:
        """Everything drafted, as records that do not change any more."""
        orders = [*self._orders, *order_of(self._drafts, self._clauses)]
        steps = steps_of(self._drafts, orders)
        for draft in self._drafts:
            draft.subject = None if draft.subject == UNKNOWN else draft.subject
        return TextSkeleton(
            text=self._text,
            slots=tuple(
                draft.finished(self._text, step) for draft, step in zip(self._drafts, steps, strict=True)
            ),
            relations=tuple(self._relations),
            order=tuple(orders),
            unparsed=tuple(self._unparsed),
            ontology=self._ontology.digest,
        )

    def _be(self, _unit: Unit, _reading: Reading) -> None:
        """Is, are: what follows is said of the head."""
        self._after_be = True
        self._close_relation()

    def _preposition(self, unit: Unit, _reading: Reading) -> None:
        """The next noun phrase is governed; a "no" ends, so that "no cars at the junction" keeps its junction."""
        following = self._peek()
        if (
            unit.word == "to"
            and following is not None
            and following.reading("verb")
            and not following.reading("noun")
        ):
            return
        if self._negation in ("coordinate", "alternative"):
            self._negation = ""
        if unit.word != "of":
            self._close_relation()
            self._governed = True

    def _joiner(self, unit: Unit, _reading: Reading) -> None:
        """And, or: a new segment with the same doer; a "no" goes on over bare nouns and over "or"."""
        following = self._peek()
        if self._negation == "coordinate":
            bare = following is not None and following.kind in ("noun", "attribute", "unknown", "word")
            self._negation = "noun" if bare else ""
        elif self._negation == "alternative":
            self._negation = "verb" if unit.word == "or" else ""
        before = self._previous()
        if (
            following is not None
            and following.kind == "number"
            and before is not None
            and before.kind == "number"
        ):
            return  # two or three
        self._close_relation()
        if self._last_verb is None and self._head is not None and self._table(self._head) == "actor":
            self._subject = self._head
        self._new_segment()

    def _breaker(self, _unit: Unit, _reading: Reading) -> None:
        """Because, but, a comma: a new clause of the same sentence."""
        self._new_clause()

    def _stop(self, _unit: Unit, _reading: Reading) -> None:
        """A full stop: a new sentence."""
        self._new_clause()
        self._new_sentence()

    def _order(self, _unit: Unit, reading: Reading) -> None:
        """Then, before, after, until, while: a clause linked to its neighbour."""
        if reading.value == "first":
            return
        fronted = reading.value != "then" and len(self._drafts) == self._sentence_start
        self._new_clause(_LINKS[reading.value], fronted=fronted)

    def _negate(self, _unit: Unit, reading: Reading) -> None:
        """No, without, not: what comes next is denied."""
        self._negation = "noun" if reading.kind == "negate_noun" else "verb"

    def _filler(self, _unit: Unit, reading: Reading) -> None:
        """A known word that fills no slot takes the count before it away: two lanes are not two cars."""
        self._count = None
        self._filler_before = reading.value
        self._end_denial()
