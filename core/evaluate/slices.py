"""Slices: the same metric over parts of the queries, to see where a system fails.

A slice is a set of queries with something in common: what the query asks for, slot by slot of its text skeleton
("asked light" is "night"), a value of a column of the truth file (weather, split, tags), how long the query is, whether
it negates or orders, how long its true span and its clips are, how many clips answer it. Slices overlap.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

from core.evaluate.metrics import Outcomes, Value, metric, summarise
from core.evaluate.runs import Run
from core.evaluate.ties import IntArray
from core.evaluate.truth import Query
from core.explain.ontology import load_ontology
from core.explain.text_skeleton import skeleton
from core.search.query import take_apart

LEAST_MEMBERS: Final = 10
WORST: Final = 5
SLICED: Final = ("R@10", "R@5", "R@1")
"""What slices are told by: the first of these that enough queries fail to tell slices apart."""
_TELLING: Final = 95.0
_MOST_VALUES: Final = 50
"""A column with more different values than this tells queries apart rather than groups them."""
_ASKED: Final = "asked "
_SLOTS: Final = {"ego": "own car"}
"""Slots whose id is no word of a sentence about a drive."""
_WORDS: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_NEGATION: Final = frozenset(
    {"no", "not", "without", "never", "none", "nobody", "nothing"}
    | {"neither", "nor", "cannot", "lacks", "lacking", "absent", "except"}
)
_ORDER: Final = frozenset(
    {"before", "after", "then", "while", "until", "when", "first"}
    | {"finally", "followed", "afterwards", "next", "later", "subsequently", "once"}
)
_LENGTHS: Final = ((5, "1-5 words"), (10, "6-10 words"), (20, "11-20 words"))
_LONGEST_LENGTH: Final = "more than 20 words"
_SECONDS: Final = ((4.0, "up to 4 s"), (8.0, "4 to 8 s"), (20.0, "8 to 20 s"))
_LONGEST_SECONDS: Final = "more than 20 s"


@dataclass(frozen=True)
class Slice:
    """Some of a run's queries. `members` (m,) are their rows; `key` and `value` say which property they share."""

    key: str
    value: str
    members: IntArray
    result: Value

    @property
    def count(self) -> int:
        """How many queries it has."""
        return len(self.members)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        shown = {"property": self.key, "value": self.value, "count": self.count}
        return shown | {"metric": self.result.name, "result": self.result.as_dict()}


def text_properties(text: str) -> dict[str, str]:
    """What a query's words tell: its length, whether it negates (by a minus as well), whether it orders events."""
    words = [word.casefold().replace("’", "'") for word in _WORDS.findall(text)]
    length = next((name for most, name in _LENGTHS if len(words) <= most), _LONGEST_LENGTH)
    negates = any(word in _NEGATION or word.endswith("n't") for word in words) or bool(
        take_apart(text).without
    )
    orders = any(word in _ORDER for word in words)
    return {
        "query length": length,
        "negation": "yes" if negates else "no",
        "order words": "yes" if orders else "no",
    }


@lru_cache(maxsize=1 << 16)
def asked(text: str) -> dict[str, tuple[str, ...]]:
    """What a query asks for, by slot of its text skeleton: `{"asked light": ("night",)}`.

    What is asked for with something narrower counts as well: a child is a pedestrian. What the query denies has
    values of its own ("no rain"), and so has what stands behind a minus.
    """
    ontology = load_ontology()
    query = take_apart(text)
    parts = [(part, part.negated) for part in skeleton(query.positive, ontology).slots]
    parts += [(part, True) for phrase in query.without for part in skeleton(phrase, ontology).slots]
    found: dict[str, list[str]] = {}
    for part, negated in parts:
        values = found.setdefault(f"{_ASKED}{_SLOTS.get(part.slot, part.slot)}", [])
        if negated:
            values.append(f"no {_words(part.value)}")
        else:
            values += map(_words, ontology.ancestors(part.value))
        for attribute in part.attributes:
            if not (attribute.negated or negated):
                found.setdefault(f"{_ASKED}{attribute.kind}", []).append(_words(attribute.value))
    return {key: tuple(dict.fromkeys(values)) for key, values in found.items()}


def _words(concept: str) -> str:
    return concept.replace("_", " ")


def span_property(spans: Sequence[tuple[int, float, float]]) -> str:
    """The bucket of the mean length of a query's true spans; empty without spans."""
    if not spans:
        return ""
    return _length(float(np.mean([end_s - start_s for _, start_s, end_s in spans])))


def _length(seconds: float) -> str:
    return next((name for most, name in _SECONDS if seconds <= most + 1e-6), _LONGEST_SECONDS)


def properties_of(
    query: Query,
    spans: Sequence[tuple[int, float, float]] = (),
    relevant: int = 0,
    clip_s: float | None = None,
) -> dict[str, tuple[str, ...]]:
    """Every property of a query with its values; a cell of the file that lists tags (`day;rain`) has several.

    `clip_s` is the mean length of its relevant clips.
    """
    found: dict[str, tuple[str, ...]] = {
        name: (value,) for name, value in text_properties(query.text).items()
    }
    found |= asked(query.text)
    if spans:
        found["span length"] = (span_property(spans),)
    if clip_s is not None:
        found["clip length"] = (_length(clip_s),)
    if relevant:
        found["relevant clips"] = ("one" if relevant == 1 else "several",)
    for name, cell in query.properties.items():
        values = tuple(dict.fromkeys(part.strip() for part in re.split(r"[;|]", cell) if part.strip()))
        if values:
            found[name] = values
    return found


def slices(
    outcomes: Outcomes, properties: Sequence[Mapping[str, tuple[str, ...]]], name: str = "R@10"
) -> list[Slice]:
    """The metric on every value of every property, in the order of properties, larger slices first.

    `properties` has one mapping for each query of `outcomes`. A property that has one value only divides nothing,
    a column with more than fifty tells queries apart: both are left out.
    """
    members: dict[str, dict[str, list[int]]] = {}
    for row, found in enumerate(properties):
        for key, values in found.items():
            for value in values:
                members.setdefault(key, {}).setdefault(value, []).append(row)
    answer = []
    for key, groups in members.items():
        divides = len(groups) > 1 or sum(map(len, groups.values())) < len(properties)
        if not divides or (len(groups) > _MOST_VALUES and not key.startswith(_ASKED)):
            continue
        for value, rows in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
            chosen = np.array(rows, np.int64)
            result = summarise(outcomes.take(chosen), (name,))[name]
            answer.append(Slice(key, value, chosen, result))
    return answer


def sliced_metric(run: Run) -> Value:
    """What a run's slices are told by, over all queries: R@10, and where it is past 95 % a stricter one."""
    overall = summarise(run.final.outcomes, SLICED)
    return next((overall[name] for name in SLICED if overall[name].value <= _TELLING), overall[SLICED[-1]])


def slices_of(run: Run, name: str = "", stage: str | None = None) -> list[Slice]:
    """The slices of a run in one stage, the last one unless told otherwise, by `sliced_metric` unless named."""
    outcomes = run.stages[stage or run.final_stage].outcomes
    properties = [
        properties_of(
            query, run.spans.get(query.query_id, ()), int(relevant), run.clip_seconds.get(query.query_id)
        )
        for query, relevant in zip(run.queries, outcomes.relevant, strict=True)
    ]
    return slices(outcomes, properties, name or sliced_metric(run).name)


def worst_slices(
    found: Sequence[Slice], overall: Value, count: int = WORST, least: int = LEAST_MEMBERS
) -> list[Slice]:
    """The slices with the worst value among those with enough members that are worse than all queries together.

    Of two alike, the larger one comes first; of two that are the same queries under two names, the first one found.
    """
    sign = 1 if metric(overall.name).higher_is_better else -1
    worse = [p for p in found if p.count >= least and sign * p.result.value < sign * overall.value]
    worse.sort(key=lambda part: (sign * part.result.value, -part.count))
    distinct = {part.members.tobytes(): part for part in reversed(worse)}
    return [part for part in worse if distinct[part.members.tobytes()] is part][:count]
