"""What a text skeleton is made of. `core.explain.text_skeleton.skeleton` makes one from a query.

The records travel as JSON, are shown and edited in the window, and are laid
beside a clip's video skeleton.

Offsets are code points of the given text (a Qt window counts UTF-16 units: convert before highlighting emoji).
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

EGO: Final = -1
"""The index that means our own car wherever an index of `TextSkeleton.slots` is expected."""


class Attribute(msgspec.Struct, frozen=True):
    """A property of a slot's value: a red car, turns *slowly*. `kind`: colour, size, state, manner, density or age."""

    kind: str
    value: str
    start: int
    end: int
    negated: bool = False


class Count(msgspec.Struct, frozen=True):
    """How many. `value` is None for "several" and "many", which are `bound`s of their own."""

    bound: Literal["exactly", "at_least", "at_most", "several", "many"]
    value: int | None
    start: int
    end: int


class SlotValue(msgspec.Struct, frozen=True):
    """One thing that the query asserts or, when `negated`, denies.

    `slot` and `value` are ids of the ontology. `subject` and `target` are indices into `TextSkeleton.slots`, `EGO`, or
    None: who does an action, and to whom. `step` is its place in time, from 0, as far as the query tells: "A then B"
    can be searched step by step.
    `weight` is 1 until a person changes it in the concept editor.
    """

    slot: str
    value: str
    text: str
    start: int
    end: int
    negated: bool = False
    attributes: tuple[Attribute, ...] = ()
    count: Count | None = None
    subject: int | None = None
    target: int | None = None
    step: int = 0
    weight: float = 1.0


class Relation(msgspec.Struct, frozen=True):
    """A triple (subject, predicate, object); subject and object are indices into `slots`, or `EGO`."""

    subject: int
    predicate: str
    object: int
    start: int
    end: int


class Order(msgspec.Struct, frozen=True):
    """Two slot values in time: `first` before `second`, or both at once."""

    kind: Literal["before", "while"]
    first: int
    second: int


class Unparsed(msgspec.Struct, frozen=True):
    """A stretch of the query that was not understood."""

    text: str
    start: int
    end: int


class TextSkeleton(msgspec.Struct, frozen=True):
    """Everything that was read from one query. `ontology` is the digest of the ontology that it speaks."""

    text: str
    slots: tuple[SlotValue, ...] = ()
    relations: tuple[Relation, ...] = ()
    order: tuple[Order, ...] = ()
    unparsed: tuple[Unparsed, ...] = ()
    ontology: str = ""

    def of_slot(self, slot: str) -> tuple[SlotValue, ...]:
        """The values of one slot, in the query's order."""
        return tuple(value for value in self.slots if value.slot == slot)

    def to_json(self) -> bytes:
        """UTF-8 JSON, readable by `from_json` and by anybody else."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes | str) -> TextSkeleton:
        """The inverse of `to_json`. Raises `msgspec.ValidationError` when the data is no skeleton."""
        return msgspec.json.decode(data, type=cls)
