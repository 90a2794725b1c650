"""What the reader holds while it reads: slot values that still grow, clauses, and how clauses follow in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from core.explain.ontology import MANOEUVRE, Concept
from core.explain.skeleton_records import EGO, Attribute, Count, Order, SlotValue

LIGHT_STATES: Final = frozenset({"red_light", "amber_light", "green_light"})
Link = Literal["", "then", "before", "after", "while"]


@dataclass(slots=True)
class Draft:
    """A slot value under construction; `subject` and `target` are indices of drafts, `EGO` or None."""

    concept: Concept
    start: int
    end: int
    clause: int
    form: str = ""
    negated: bool = False
    attributes: list[Attribute] = field(default_factory=list)
    count: Count | None = None
    subject: int | None = None
    target: int | None = None

    @property
    def is_event(self) -> bool:
        """Whether it happens, rather than being there."""
        return self.concept.table in (MANOEUVRE, "hazard")

    @property
    def slot(self) -> str:
        """The slot that it answers: a manoeuvre is `ego` or `action` by who does it."""
        if self.concept.table != MANOEUVRE:
            return self.concept.table
        return "ego" if self.subject == EGO else "action"

    def finished(self, text: str, step: int) -> SlotValue:
        """The record that leaves the reader."""
        return SlotValue(
            slot=self.slot,
            value=self.concept.id,
            text=text[self.start : self.end],
            start=self.start,
            end=self.end,
            negated=self.negated,
            attributes=tuple(self.attributes),
            count=self.count,
            subject=self.subject,
            target=self.target,
            step=step,
        )


@dataclass(slots=True)
class Clause:
    """A stretch of text with at most one link to a neighbour. `fronted`: "before turning left, ..." comes first."""

    link: Link = ""
    fronted: bool = False


def _events(drafts: list[Draft], members: list[int], anything: bool) -> list[int]:
    """What of a clause can stand in an order: events, else the state of a light, else (for "then") anything."""
    for wanted in (
        [index for index in members if drafts[index].is_event],
        [index for index in members if drafts[index].concept.id in LIGHT_STATES],
        members if anything else [],
    ):
        if wanted:
            return wanted
    return []


def order_of(drafts: list[Draft], clauses: list[Clause]) -> list[Order]:
    """The links between clauses as links between what happens in them, in the query's order."""
    members: dict[int, list[int]] = {}
    for index, draft in enumerate(drafts):
        members.setdefault(draft.clause, []).append(index)
    filled = sorted(members)
    found: list[Order] = []
    for place, number in enumerate(filled):
        clause = clauses[number]
        other = place + 1 if clause.fronted else place - 1
        if not clause.link or not 0 <= other < len(filled):
            continue
        earlier, later = sorted((number, filled[other]))
        anything = clause.link == "then"
        first, second = _events(drafts, members[earlier], anything), _events(drafts, members[later], anything)
        if not first or not second:
            continue
        left, right = first[-1], second[0]
        # "X after Y" and "before Y, X" say the later thing first
        if (clause.link == "after" and not clause.fronted) or (clause.link == "before" and clause.fronted):
            left, right = right, left
        found.append(Order("while" if clause.link == "while" else "before", left, right))
    return found


def steps_of(drafts: list[Draft], orders: list[Order]) -> list[int]:
    """The step in time of every draft, from 0: a new one only where the query says then, before or after.

    "A after B, then C" gives B step 0, A and C step 1; without such a word everything is step 0.
    """
    change: dict[int, int] = {}  # clause -> steps from the clause before it
    for order in orders:
        first, second = drafts[order.first].clause, drafts[order.second].clause
        if order.kind == "before" and first != second:
            change[max(first, second)] = 1 if first < second else -1
    level, levels = 0, {}
    for clause in sorted({draft.clause for draft in drafts}):
        level += change.get(clause, 0)
        levels[clause] = level
    lowest = min(levels.values(), default=0)
    steps = [levels[draft.clause] - lowest for draft in drafts]
    for order in orders:  # a light that changes within one clause
        if order.kind == "before" and drafts[order.first].clause == drafts[order.second].clause:
            steps[order.second] = max(steps[order.second], steps[order.first] + 1)
    return steps
