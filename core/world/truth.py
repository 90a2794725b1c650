"""What is exactly known of a clip: the words, the records and the JSON beside every demo clip.

JSON layout (all times in seconds from the clip's start, all boxes as shares of the frame, 0..1):
`seed, duration_s, road, light, weather, ego, lanes, events[{name, start_s, end_s, actor_id}],
actors[{id, kind, colour, role, side}], frames[{time_s, speed_mps, boxes[[actor_id, x0, y0, x1, y1, visible,
area, distance_m]], signals{actor_id: state}}]`. `visible` is the visible share of what of the actor lies within the
frame, measured in the id buffer; `area` is its visible share of the frame.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

ROADS = ("city", "intersection", "highway", "rural", "roundabout", "tunnel")
LIGHTS = ("day", "dusk", "night")
WEATHERS = ("clear", "rain", "fog", "snow")

#: Bit order of the cell masks of the training shards. A signal counts by its state: "red light" or "green light".
ACTOR_KINDS = (
    "car", "van", "truck", "bus", "motorcycle", "cyclist", "pedestrian", "child", "dog", "deer", "ambulance",
    "red light", "green light", "sign", "cone",
)  # fmt: skip

#: What the ego car does over the whole clip.
MANOEUVRES = (
    "straight", "stands", "stops", "starts", "slows", "turns left", "turns right", "changes lane left",
    "changes lane right", "overtakes", "roundabout",
)  # fmt: skip

EVENTS = (
    "crosses from left", "crosses from right", "waits at kerb", "cuts in from left", "cuts in from right",
    "lead brakes", "oncoming", "overtakes ego", "cyclist ahead", "light turns red", "light turns green",
    "door opens", "ambulance passes", "pulls out", "cross traffic", "works ahead", "waits at red",
    "ego stops", "ego starts", "ego slows", "ego turns left", "ego turns right", "ego changes lane left",
    "ego changes lane right", "ego overtakes", "ego takes roundabout",
)  # fmt: skip


@dataclass(frozen=True)
class Event:
    """Something that happens between two moments; `actor_id` is None for the ego car."""

    name: str
    start_s: float
    end_s: float
    actor_id: int | None = None


@dataclass(frozen=True)
class ActorTruth:
    """Somebody in the clip. `role`: event, traffic, parked, walker, works, signal; `side`: where from."""

    id: int
    kind: str
    colour: str
    role: str
    side: str


@dataclass(frozen=True)
class Box:
    """Where an actor shows in one frame: box and area as shares of the frame, `visible` as share of the actor."""

    actor_id: int
    x0: float
    y0: float
    x1: float
    y1: float
    visible: float
    area: float
    distance_m: float


@dataclass(frozen=True)
class FrameTruth:
    """One frame: its time, the ego car's speed, the boxes, and the state of every signal."""

    time_s: float
    speed_mps: float
    boxes: tuple[Box, ...]
    signals: Mapping[int, str]


@dataclass(frozen=True)
class ClipTruth:
    """All that is known of one clip."""

    seed: int
    duration_s: float
    road: str
    light: str
    weather: str
    ego: str
    lanes: int
    events: tuple[Event, ...]
    actors: tuple[ActorTruth, ...]
    frames: tuple[FrameTruth, ...] = ()

    def actor(self, actor_id: int) -> ActorTruth:
        """The actor with this number. Raises KeyError when there is none."""
        for actor in self.actors:
            if actor.id == actor_id:
                return actor
        raise KeyError(actor_id)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; boxes as lists of eight numbers."""
        data = asdict(self)
        for frame in data["frames"]:
            frame["boxes"] = [list(box.values()) for box in frame["boxes"]]
            frame["signals"] = {str(k): v for k, v in frame["signals"].items()}
        return data

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self.to_dict(), separators=(",", ":"))

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> ClipTruth:
        """The inverse of `to_dict`. Raises KeyError or TypeError on a record of another form."""
        frames = tuple(
            FrameTruth(
                f["time_s"], f["speed_mps"], tuple(Box(int(b[0]), *b[1:]) for b in f["boxes"]),
                {int(k): str(v) for k, v in f["signals"].items()},
            )
            for f in data["frames"]
        )  # fmt: skip
        return ClipTruth(
            data["seed"], data["duration_s"], data["road"], data["light"], data["weather"], data["ego"], data["lanes"],
            tuple(Event(**e) for e in data["events"]), tuple(ActorTruth(**a) for a in data["actors"]), frames,
        )  # fmt: skip

    @staticmethod
    def from_json(text: str) -> ClipTruth:
        """The inverse of `to_json`."""
        return ClipTruth.from_dict(json.loads(text))


def shown(
    truth: ClipTruth, actor_id: int, start_s: float = 0.0, end_s: float = 1e9, least: float = 0.0012
) -> int:
    """In how many frames of a time span an actor can be made out: at least `least` of the frame, fog counted.

    Fog and night hide what geometry shows, so the distance counts: beyond 45 m in fog nothing is seen.
    """
    reach = {"fog": 45.0, "snow": 80.0}.get(truth.weather, 150.0)
    return sum(
        box.actor_id == actor_id and box.area >= least and box.visible >= 0.25 and box.distance_m < reach
        for frame in truth.frames
        if start_s <= frame.time_s <= end_s
        for box in frame.boxes
    )


def fits(actor: ActorTruth, wanted: Mapping[str, Any]) -> bool:
    """Whether an actor has every wanted attribute; a list names the allowed values."""
    return all(
        getattr(actor, key) in (value if isinstance(value, list) else [value])
        for key, value in wanted.items()
    )


def _event_fits(truth: ClipTruth, event: Event, wanted: str | Mapping[str, Any]) -> bool:
    if isinstance(wanted, str):
        return event.name == wanted
    names = wanted["name"] if isinstance(wanted["name"], list) else [wanted["name"]]
    if event.name not in names:
        return False
    about = {k: v for k, v in wanted.items() if k != "name"}
    return not about or (event.actor_id is not None and fits(truth.actor(event.actor_id), about))


def matches(truth: ClipTruth, predicate: Mapping[str, Any]) -> bool:
    """Whether a clip fulfils a predicate: every key given must hold.

    `road`, `light`, `weather`, `ego`: a value or a list of allowed values. `events`: a list, each an event name or
    {"name": name or names, "kind", "colour", ...}; all must occur. `order`: two such events, the first beginning
    before the second. `actors`: a list of {"kind", "colour", "role", "side"}, each shown for half a second at least.
    `without`: kinds that are never shown. Raises KeyError on a key that is not known.
    """
    known = {"road", "light", "weather", "ego", "events", "order", "actors", "without"}
    if unknown := set(predicate) - known:
        raise KeyError(f"unknown predicate keys {sorted(unknown)}")
    for key in ("road", "light", "weather", "ego"):
        allowed = predicate.get(key)
        if allowed is not None and getattr(truth, key) not in (
            allowed if isinstance(allowed, list) else [allowed]
        ):
            return False
    for wanted in predicate.get("events", ()):
        if not any(_event_fits(truth, event, wanted) for event in truth.events):
            return False
    if order := predicate.get("order"):
        firsts = [e.start_s for e in truth.events if _event_fits(truth, e, order[0])]
        thens = [e.start_s for e in truth.events if _event_fits(truth, e, order[1])]
        if not firsts or not thens or min(firsts) >= max(thens):
            return False
    least = max(2, len(truth.frames) // 15)
    for wanted in predicate.get("actors", ()):
        if not any(fits(a, wanted) and shown(truth, a.id) >= least for a in truth.actors):
            return False
    hidden = predicate.get("without", ())
    return not any(a.kind in hidden and shown(truth, a.id) >= 1 for a in truth.actors)
