"""What the reader of queries remembers between two words: the sentence, the clause and the segment it stands in.

A *segment* is what lies between two verbs, joiners or clause marks; its *head* is its first road user that no
preposition governs. The rooms `reading_details`, `reading_nouns`, `reading_verbs` and
`reader` build on this one, in that order.
"""

from __future__ import annotations

from typing import Final

from core.explain.choices import Chooser
from core.explain.drafts import Clause, Draft, Link
from core.explain.lexicon import Reading, Unit, lexicon_of
from core.explain.ontology import Ontology
from core.explain.skeleton_records import EGO, Attribute, Count, Order, Relation, Unparsed

UNKNOWN: Final = -2
"""A doer, or the subject of a relation, that is neither our car nor a slot value (yet)."""


_SIDES: Final = frozenset({"left_of", "right_of", "both_sides"})


class ReadingState:
    """The units of one text and everything drafted from them so far."""

    def __init__(self, text: str, ontology: Ontology) -> None:
        self._text = text
        self._ontology = ontology
        self._units = lexicon_of(ontology).units(text)
        self._chooser = Chooser(self._units, ontology)
        self._exclusive = {slot.id for slot in ontology.slots if slot.exclusive}
        self._drafts: list[Draft] = []
        self._relations: list[Relation] = []
        self._related: set[tuple[int, str, int]] = set()  # what _relations holds, for look-up
        self._stands: set[tuple[int, str]] = set()
        self._orders: list[Order] = []
        self._unparsed: list[Unparsed] = []
        self._clauses = [Clause()]
        self._at = 0
        self._ego_seen = False
        self._new_sentence()
        self._new_clause_state()

    def _new_sentence(self) -> None:
        """Whoever acts next without a name is our own car again."""
        self._subject = EGO  # who did the last thing
        self._topic = EGO  # what "it" means: the first subject of the sentence
        self._light: int | None = None  # the traffic light that may yet turn green
        self._sentence_start = len(self._drafts)

    def _new_clause_state(self) -> None:
        """Nothing said yet in this clause."""
        self._negation = (
            ""  # "noun" or "verb": denies the next; "coordinate", "alternative": may go on after and/or
        )
        self._last_verb: int | None = None
        self._last_verb_at = 0
        self._bend_at = -1  # where the road was said to bend
        self._origin = ""  # "left" after "from the left", until somebody does something
        self._pre_relation: tuple[str, int, int] | None = None
        self._pending_attributes: list[Attribute] = []
        self._pending_manner: list[Attribute] = []
        self._passive: int | None = None
        self._modifier: int | None = None  # what a noun to come does: a *braking* car
        self._open_relation: tuple[str, int, int, int] | None = None
        self._new_segment()

    def _new_segment(self) -> None:
        """No noun phrase yet since the last verb, joiner or clause mark."""
        self._head: int | None = None
        self._near: int | None = None  # the last noun phrase of any kind
        self._near_actor: int | None = None
        self._inanimate = False  # a road or a sign stands where the head would
        self._governed = False
        self._after_be = False
        self._unknown_noun = False
        self._filler_before = ""  # the last known word that fills no slot
        self._segment_start = len(self._drafts)
        self._count: Count | None = None
        self._compare: Unit | None = None

    def _new_clause(self, link: Link = "", *, fronted: bool = False) -> None:
        """Start a clause; whatever waited for a noun waits no longer."""
        self._close_relation()
        self._clauses.append(Clause(link, fronted))
        self._new_clause_state()

    @property
    def _clause(self) -> int:
        """The number of the clause that is being read."""
        return len(self._clauses) - 1

    def _peek(self, ahead: int = 1) -> Unit | None:
        """The unit that many places on, if there is one."""
        return self._units[self._at + ahead] if self._at + ahead < len(self._units) else None

    def _previous(self) -> Unit | None:
        """The unit before this one, if there is one."""
        return self._units[self._at - 1] if self._at else None

    def _previous_word(self) -> str:
        """The word before this unit, or nothing."""
        before = self._previous()
        return before.word if before is not None else ""

    def _table(self, index: int | None) -> str:
        """The ontology table of a draft; "ego" for our car, "" for nobody."""
        if index is None or index == UNKNOWN:
            return ""
        return "ego" if index == EGO else self._drafts[index].concept.table

    def _add(self, unit: Unit, reading: Reading) -> int:
        """A new slot value, with the attributes and the count that waited for it, denied if a "no" is open."""
        concept = self._ontology.concepts[reading.value]
        draft = Draft(concept, unit.start, unit.end, self._clause, reading.form)
        if reading.kind == "noun":
            draft.attributes = [*self._pending_attributes]
            draft.count = self._count
            starts = [attribute.start for attribute in draft.attributes]
            draft.start = min([draft.start, *starts, *([draft.count.start] if draft.count else [])])
        if self._negation in ("noun", "verb"):
            draft.negated = True
            self._negation = "coordinate" if self._negation == "noun" else "alternative"
        if concept.table in self._exclusive:  # "drizzle, wipers on" says rain once
            for index, other in enumerate(self._drafts):
                if other.concept.id == concept.id and other.negated == draft.negated:
                    return index
        self._drafts.append(draft)
        return len(self._drafts) - 1

    def _close_relation(self, other: int | None = None) -> None:
        """Give an open relation its object. Without one ("beside a hillside") it was about nothing that we know."""
        if self._open_relation is None:
            return
        predicate, subject, start, end = self._open_relation
        self._open_relation = None
        if other is None:
            return
        if subject == UNKNOWN and other == EGO:
            self._pre_relation = (
                predicate,
                start,
                end,
            )  # "in front of us a truck": its subject is still to come
            return
        subject = EGO if subject == UNKNOWN else subject
        if self._table(other) == "road" and predicate in _SIDES:
            other = EGO  # on the right side of the street: right of us
        if self._table(other) == "road" and subject == EGO:
            return  # parked near the kerb is a place, not a relation of two
        self._relate(subject, predicate, other, start, end)

    def _relate(self, subject: int, predicate: str, other: int, start: int, end: int) -> None:
        """Add a relation, once, if it is one: nothing is ahead of itself, and a crash is not between cars."""
        if subject == other or (self._table(subject) == "hazard" and predicate == "between"):
            return
        if (subject, predicate, other) not in self._related:
            self._related.add((subject, predicate, other))
            self._stands.add((subject, predicate))
            self._relations.append(Relation(subject, predicate, other, start, end))
