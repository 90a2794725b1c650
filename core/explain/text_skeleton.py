"""The text skeleton of a query: what it asks for, slot by slot, with the words that said it. Call `skeleton`.

The idea is the text skeleton of MMI-TVR (ACM MM 2024), which asks a large model for it; ours is read by rule, so that
it costs a millisecond, needs no model, and every slot can point at its words.
"""

from __future__ import annotations

from core.explain.ontology import Ontology, load_ontology
from core.explain.reader import Reader
from core.explain.skeleton_records import (
    EGO,
    Attribute,
    Count,
    Order,
    Relation,
    SlotValue,
    TextSkeleton,
    Unparsed,
)

__all__ = [
    "EGO",
    "Attribute",
    "Count",
    "Order",
    "Relation",
    "SlotValue",
    "TextSkeleton",
    "Unparsed",
    "skeleton",
]


def skeleton(text: str, ontology: Ontology | None = None) -> TextSkeleton:
    """Read `text` by the given ontology (the shipped one by default).

    Never fails on any text: what is not understood is listed in `unparsed`, in order, with its offsets. Takes about a
    millisecond for 30 words and time linear in the text's length.
    """
    return Reader(text, ontology or load_ontology()).read()
