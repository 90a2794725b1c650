"""How long an answer may be expected to last, from what the query asks for.

A state ("driving in fog") lasts as long as it lasts; a happening ("a pedestrian crosses") as long as such a thing
takes; a story (who does what while another does something else, or one thing after the other) as long as all of it.
Which of them a query is, and what happens in it, its text skeleton tells. How long happenings take are the geometric
means of 2,176 training clips of the demo world, rounded; what the lengths weigh was chosen on drives of clips that the
bundle of the day had not been trained on (`moments_truth`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from core.explain.skeleton_records import EGO, SlotValue
from core.explain.text_skeleton import skeleton

SIGNS: Final = frozenset({"signal", "hazard"})
"""Slots of the ontology whose values happen without anybody who does them."""
LIGHTS: Final = frozenset({"red_light", "green_light", "yellow_light", "traffic_light"})
STILL: Final = frozenset({"stop", "wait", "stationary", "brake", "slow_down"})
"""What our own car does because of a traffic light: both are one happening."""
LASTING: Final = frozenset({"drive", "go_straight"})
"""What our own car does without anything happening."""
_SIGNAL, _LIT, _DENIED = -2, -3, -4
"""A traffic light, brake lights of somebody unnamed and what is denied, beside places of actors."""
PLACES: Final = frozenset({"building"})
"""Actors of the ontology that are rather where than who."""
VEHICLES: Final = frozenset(
    {"car", "van", "truck", "bus", "motorcycle", "vehicle", "traffic", "cross_traffic"}
)
USUAL_S: Final = 2.6
CROSSING_S: Final = 5.0
CROSSED_BY_VEHICLE_S: Final = 2.8
TAKES_S: Final[Mapping[tuple[str, str], float]] = {
    ("ego", "take_roundabout"): 5.3,
    ("ego", "wait"): 4.5,
    ("ego", "stationary"): 4.5,
    ("ego", "overtake"): 3.8,
    ("ego", "pass"): 3.8,
    ("ego", "follow"): 3.5,
    ("action", "ride"): 5.5,
    ("action", "wait"): 3.0,
    ("action", "stationary"): 3.2,
    ("action", "approach"): 1.9,
    ("hazard", "road_works"): 3.9,
    ("signal", "red_light"): 3.4,
    ("signal", "green_light"): 1.9,
    ("actor", "cyclist"): 5.0,
    ("actor", "cone"): 3.9,
    ("actor", "traffic"): 1.9,
}
"""How long what is told takes where that is not `USUAL_S`; actors count where nothing is said that they do."""


@dataclass(frozen=True)
class Scope:
    """A kind of question.

    `likely_s` is the most likely length, `weight` how much others are held against a moment, `ends` how much it counts
    that a moment begins and ends where the picture changes. `anywhere`: a moment may begin at any frame.
    """

    name: Literal["state", "happening", "story"]
    likely_s: float
    weight: float
    ends: float
    anywhere: bool = False

    def unlikely(self, seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What a span of this length loses: the squared log ratio to the likely one, weighted."""
        away = np.log(np.maximum(seconds, 1e-3) / self.likely_s)
        return np.asarray(self.weight * away**2)


STATE: Final = Scope("state", 40.0, 0.1, 0.05)
HAPPENING: Final = Scope("happening", USUAL_S, 1.1, 0.0, anywhere=True)
STORY: Final = Scope("story", 8.0, 1.5, 0.07)
UNKNOWN: Final = Scope("happening", 5.0, 0.3, 0.05)
"""Of a query without a word that we know: hardly anything is held against any length."""


def scope_of(text: str) -> Scope:
    """What kind of answer the query asks for, and how long it may last."""
    slots = skeleton(text).slots
    told = [value for value in slots if not value.negated]
    if not told:
        return UNKNOWN
    movers = _movers(slots)
    steps = {value.step for value in told if value.slot in {"ego", "action", "hazard"}}
    if len(movers) > 1 or len(steps) > 1:
        return STORY
    happens = any(value.slot in SIGNS or value.slot == "action" for value in told)
    happens |= any(value.slot == "ego" and value.value not in LASTING for value in told)
    somebody = any(value.slot == "actor" and value.value not in PLACES for value in told)
    somebody &= not any(value.slot == "ego" for value in told)
    return replace(HAPPENING, likely_s=_takes_s(told, slots)) if happens or somebody else STATE


def _movers(slots: Sequence[SlotValue]) -> set[int | None]:
    """Who or what does something: places of actors, `EGO`, None for somebody unnamed, and the marks below.

    Our own car that just drives, or does not, counts beside somebody else; so does a denial ("no other cars"), which
    holds for as long as all the rest.
    """
    told = [value for value in slots if not value.negated]
    own = [value for value in slots if value.slot == "ego"]
    movers: set[int | None] = {
        value.subject
        for value in told
        if value.slot == "action" or (value.slot == "hazard" and value.subject is not None)
    }
    if any(value.value == "brake_light" for value in told) and not movers:
        movers.add(_LIT)
    for value in told:
        ours = any(one.value in STILL and one.step == value.step for one in own)
        if value.value in LIGHTS and not ours:
            movers.add(_SIGNAL)
    if any(not value.negated and value.value != "drive" for value in own) or (own and movers):
        movers.add(EGO)
    if movers and any(value.negated and value.slot == "actor" for value in slots):
        movers.add(_DENIED)
    return movers


def _takes_s(told: Sequence[SlotValue], slots: Sequence[SlotValue]) -> float:
    """How long what is told usually takes: the geometric mean where several things are told."""
    who = {value.value for value in told if value.slot == "actor"}
    done = [value for value in told if value.slot in SIGNS or value.slot in {"ego", "action"}]
    found = [_one_takes_s(value, slots, who) for value in done if value.value not in LASTING]
    if not found:
        found = [TAKES_S[key] for name in sorted(who) if (key := ("actor", name)) in TAKES_S]
    return math.exp(math.fsum(map(math.log, found)) / len(found)) if found else USUAL_S


def _one_takes_s(value: SlotValue, slots: Sequence[SlotValue], who: set[str]) -> float:
    if value.slot == "action" and value.value.startswith("cross"):
        subject = slots[value.subject].value if value.subject is not None and value.subject >= 0 else ""
        return CROSSED_BY_VEHICLE_S if subject in VEHICLES else CROSSING_S
    if value.value == "follow" and "cyclist" in who:
        return TAKES_S["action", "ride"]
    return TAKES_S.get((value.slot, value.value), USUAL_S)
