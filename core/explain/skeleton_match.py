"""The query's skeleton laid beside the clip's: what was asked for, and whether the clip shows it.

A slot that the query asserts is `matched`, `weak`, `missing` or `contradicted`; one that it denies the other way
round: matched when the clip does not show it. What cannot be asked of a picture is `unchecked`, never a guess.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from core.explain.ontology import Ontology
from core.explain.skeleton_records import Order, SlotValue, TextSkeleton
from core.explain.video_skeleton import EGO
from core.explain.video_skeleton_questions import ONE_OF
from core.explain.video_skeleton_records import Finding, VideoSkeleton

Verdict = Literal["matched", "weak", "missing", "contradicted", "unchecked"]
LIKELY: Final = 0.15
"""Probability from which something that does not hold may still be there."""
SURE: Final = 0.5
BEFORE_S: Final = 0.3
"""Seconds by which one thing must begin before another to be told apart."""
OPPOSITES: Final = (
    frozenset({"turn_left", "turn_right", "go_straight"}),
    frozenset({"change_lane_left", "change_lane_right"}),
    frozenset({"stationary", "go_straight"}),
    frozenset({"stop", "start", "go_straight"}),
    frozenset({"cross_from_left", "cross_from_right"}),
    frozenset({"cut_in_left", "cut_in_right"}),
    frozenset({"red_light", "green_light"}),
)
"""Values of open slots that speak against each other."""


class Match(msgspec.Struct, frozen=True):
    """One thing the query says, and the clip's answer.

    `start` and `end` are offsets in the query; `finding` is the clip's value that decided (None if there is none);
    `probability` that the clip shows what was asserted; `unchecked` are attributes that nobody looked for.
    """

    slot: str
    value: str
    text: str
    start: int
    end: int
    negated: bool
    verdict: Verdict
    probability: float
    finding: Finding | None = None
    unchecked: tuple[str, ...] = ()


def lay(text: TextSkeleton, video: VideoSkeleton, ontology: Ontology) -> tuple[Match, ...]:
    """Every slot of the query in its order, then what it says about the order of things."""
    matches = [
        _match(value, video, ontology) for value in text.slots if value.slot not in ("relation", "order")
    ]
    return (*matches, *(_order(order, text, video, ontology) for order in text.order))


def answer(value: SlotValue, video: VideoSkeleton, ontology: Ontology) -> tuple[Finding | None, bool]:
    """The finding that answers a value, and whether it answers exactly: a car answers "vehicle", not the reverse."""
    asked = [one for one in video.findings if one.slot == value.slot]
    exact = [one for one in asked if value.value in ontology.ancestors(one.value)]
    if exact:
        return max(exact, key=lambda one: (one.holds, one.probability)), True
    wider = set(ontology.ancestors(value.value)) if value.value in ontology.concepts else set()
    near = [one for one in asked if one.value in wider]
    return (max(near, key=lambda one: one.probability) if near else None), False


def _match(value: SlotValue, video: VideoSkeleton, ontology: Ontology) -> Match:
    found, exact = answer(value, video, ontology)
    verdict, probability, finding = _verdict(value, found, exact, video)
    if value.negated:
        verdict = _denied(verdict, found)
    return Match(
        slot=value.slot,
        value=value.value,
        text=value.text,
        start=value.start,
        end=value.end,
        negated=value.negated,
        verdict=verdict,
        probability=probability,
        finding=finding,
        unchecked=tuple(attribute.value for attribute in value.attributes),
    )


def _verdict(
    value: SlotValue, found: Finding | None, exact: bool, video: VideoSkeleton
) -> tuple[Verdict, float, Finding | None]:
    """The answer to an assertion."""
    if value.slot == EGO and found is None:
        return _ego_verdict(value, video)
    if found is None:
        return "unchecked", 0.0, None
    if found.holds:
        return ("matched" if exact else "weak"), found.probability, found
    against = _against(value, video)
    if against is not None:
        return "contradicted", found.probability, against
    return ("weak" if found.probability >= LIKELY else "missing"), found.probability, found


def _ego_verdict(value: SlotValue, video: VideoSkeleton) -> tuple[Verdict, float, Finding | None]:
    """What our car was measured to do is all it did; without a measure nothing is known."""
    did = video.holding(EGO)
    if not did:
        return "unchecked", 0.0, None
    if value.value == "drive":
        moving = [one for one in did if one.value != "stationary"]
        return ("matched", moving[0].probability, moving[0]) if moving else ("contradicted", 0.0, did[0])
    against = _against(value, video)
    return ("contradicted", 0.0, against) if against is not None else ("missing", 0.0, None)


def _against(value: SlotValue, video: VideoSkeleton) -> Finding | None:
    """A value that holds and rules the asked one out."""
    rivals = [one for one in video.holding(value.slot) if one.value != value.value]
    if value.slot in ONE_OF:
        rivals = [one for one in rivals if value.value in ONE_OF[value.slot]]
    else:
        groups = [group for group in OPPOSITES if value.value in group]
        rivals = [one for one in rivals if any(one.value in group for group in groups)]
    sure = [one for one in rivals if one.probability >= SURE]
    return max(sure, key=lambda one: one.probability) if sure else None


def _denied(verdict: Verdict, found: Finding | None) -> Verdict:
    """The other way round: what was denied should not be there."""
    if verdict == "unchecked":
        return "unchecked"
    if found is not None and found.holds:
        return "contradicted"
    return "weak" if verdict == "weak" else "matched"


def _order(order: Order, text: TextSkeleton, video: VideoSkeleton, ontology: Ontology) -> Match:
    """Whether one thing began before another, or both at once, by the clip's intervals."""
    first, second = text.slots[order.first], text.slots[order.second]
    word = "before" if order.kind == "before" else "while"
    one, _ = answer(first, video, ontology)
    two, _ = answer(second, video, ontology)
    verdict: Verdict = "unchecked"
    probability = 0.0
    if one is not None and two is not None and one.holds and two.holds:
        if order.kind == "before":
            gap = two.start_s - one.start_s
            verdict = "matched" if gap >= BEFORE_S else "contradicted" if gap <= -BEFORE_S else "weak"
        else:
            both = min(one.end_s, two.end_s) - max(one.start_s, two.start_s)
            verdict = "matched" if both > 0 else "contradicted"
        probability = round(min(one.probability, two.probability), 4)
    start, end = min(first.start, second.start), max(first.end, second.end)
    said = f"{first.text} {word} {second.text}"
    return Match("order", word, said, start, end, False, verdict, probability, two)
