"""What is true of a clip, as facts that can be said: the part of training that knows no wrong negatives.

Captions tell one clip's story, and nobody knows which other clips in the batch they fit as well. Here the truth of
the demo world gives every clip its set of facts, queries are made by saying one to three of them, and a query's
matches are exactly the clips whose set holds all its facts. A fact is a tuple of a slot and its values:
("weather", "rain"), ("actor", "bus"), ("actor", "car", "red"), ("event", "crosses from left", "dog") ...
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Final

from core.world.truth import ClipTruth, shown
from core.world.voice import Voice, article
from core.world.wording_rare import RARE

Fact = tuple[str, ...]

SCENE: Final[Mapping[Fact, Sequence[str]]] = {
    ("road", "city"): ("in a city street", "in town", "on an urban street", "between city buildings"),
    ("road", "intersection"): ("at an intersection", "at a crossroads", "at a junction"),
    ("road", "highway"): ("on a highway", "on the motorway", "on a freeway"),
    ("road", "rural"): ("on a country road", "on a rural road", "in the countryside"),
    ("road", "roundabout"): ("at a roundabout", "on a roundabout", "at a traffic circle"),
    ("road", "tunnel"): ("in a tunnel", "through a tunnel", "inside a road tunnel"),
    ("light", "day"): ("by day", "in daylight", "during the day"),
    ("light", "dusk"): ("at dusk", "in the evening light", "at sunset"),
    ("light", "night"): ("at night", "in the dark", "after dark"),
    ("weather", "clear"): ("in clear weather", "in dry weather", "under a clear sky"),
    ("weather", "rain"): ("in the rain", "in rainy weather", "on a wet road", "while it rains"),
    ("weather", "fog"): ("in fog", "in foggy weather", "in thick mist"),
    ("weather", "snow"): ("in snow", "in snowy weather", "on a snow covered road", "while it snows"),
}

EGO: Final[Mapping[Fact, Sequence[str]]] = {
    ("ego", "straight"): ("driving straight ahead", "the car drives straight on"),
    ("ego", "stands"): ("standing still", "the car is standing", "the car does not move"),
    ("ego", "stops"): ("the car stops", "coming to a stop", "braking to a halt"),
    ("ego", "starts"): ("the car starts moving", "setting off", "pulling away from standstill"),
    ("ego", "slows"): ("the car slows down", "slowing down", "braking"),
    ("ego", "turns left"): ("turning left", "the car turns left", "a left turn"),
    ("ego", "turns right"): ("turning right", "the car turns right", "a right turn"),
    ("ego", "changes lane left"): ("changing to the left lane", "a lane change to the left"),
    ("ego", "changes lane right"): ("changing to the right lane", "a lane change to the right"),
    ("ego", "overtakes"): ("overtaking", "the car overtakes another vehicle", "passing a slower vehicle"),
    ("ego", "roundabout"): ("taking a roundabout", "driving through a roundabout"),
}

EVENTS: Final[Mapping[str, Sequence[str]]] = {
    "crosses from left": ("{who} crosses the road from the left", "{who} crosses from left to right"),
    "crosses from right": ("{who} crosses the road from the right", "{who} crosses from right to left"),
    "waits at kerb": ("{who} waits at the kerb", "{who} stands at the roadside waiting"),
    "cuts in from left": ("{who} cuts in from the left", "{who} merges in front from the left"),
    "cuts in from right": ("{who} cuts in from the right", "{who} merges in front from the right"),
    "lead brakes": ("{who} in front brakes", "{who} ahead is braking"),
    "oncoming": ("oncoming {what}", "{who} comes towards us"),
    "overtakes ego": ("{who} overtakes us", "{who} passes the car"),
    "cyclist ahead": ("a cyclist rides ahead", "behind a cyclist", "a bicycle in front"),
    "light turns red": ("the traffic light turns red", "the light changes to red"),
    "light turns green": ("the traffic light turns green", "the light changes to green"),
    "door opens": ("a parked car opens its door", "a car door opens"),
    "ambulance passes": ("an ambulance passes", "an emergency vehicle passes"),
    "pulls out": ("{who} pulls out", "{who} leaves a parking space"),
    "cross traffic": ("{who} crosses the junction", "cross traffic ahead"),
    "works ahead": ("road works ahead", "construction on the road"),
    "waits at red": ("waiting at a red light", "standing at the red traffic light"),
}

ACTORS: Final[Mapping[str, Sequence[str]]] = {
    "car": ("car",),
    "van": ("van", "delivery van"),
    "truck": ("truck", "lorry"),
    "bus": ("bus",),
    "motorcycle": ("motorcycle", "motorbike"),
    "cyclist": ("cyclist", "person on a bicycle", "bike rider"),
    "pedestrian": ("pedestrian", "person on foot", "person walking"),
    "child": ("child", "kid"),
    "dog": ("dog",),
    "deer": ("deer",),
    "ambulance": ("ambulance", "emergency vehicle"),
    "red light": ("red traffic light", "red light"),
    "green light": ("green traffic light", "green light"),
    "sign": ("road sign", "traffic sign"),
    "cone": ("traffic cone", "cone"),
}

ABSENT: Final[Mapping[str, tuple[Sequence[str], Sequence[str]]]] = {
    "traffic": (
        ("car", "van", "truck", "bus", "motorcycle", "cyclist", "ambulance"),
        ("no other traffic", "an empty road", "without other vehicles", "nobody else on the road"),
    ),
    "people": (("pedestrian", "child"), ("no pedestrians", "without people", "nobody on foot")),
}

COLOURED: Final = frozenset({"car", "van", "truck", "bus", "motorcycle"})  # a coat's colour is a few pixels


def facts_of(truth: ClipTruth) -> frozenset[Fact]:
    """Everything sayable that holds of a clip, generalisations included."""
    facts: set[Fact] = {("road", truth.road), ("ego", truth.ego), *_absent(truth), *_signals(truth)}
    if truth.road != "tunnel":  # where nobody can tell
        facts |= {("light", truth.light), ("weather", truth.weather)}
    for actor in truth.actors:
        if shown(truth, actor.id) >= 2:  # as `truth.matches` counts
            facts.add(("actor", actor.kind))
            if actor.kind in COLOURED:
                facts.add(("actor", actor.kind, actor.colour))
    for event in truth.events:
        facts.add(("event", event.name))
        if event.actor_id is not None:
            actor = truth.actor(event.actor_id)
            facts.add(("event", event.name, actor.kind))
            if actor.kind in COLOURED:
                facts.add(("event", event.name, actor.kind, actor.colour))
    return frozenset(fact for fact in facts if sayable(fact))


def _signals(truth: ClipTruth) -> set[Fact]:
    """Lights by the states in which they are seen."""
    lights = {a.id for a in truth.actors if a.kind == "traffic light" and shown(truth, a.id, least=6e-4) >= 2}
    states = {state for frame in truth.frames for number, state in frame.signals.items() if number in lights}
    return {("actor", f"{colour} light") for colour in ("red", "green") if colour in states}


def _absent(truth: ClipTruth) -> set[Fact]:
    """Whole groups of which nothing is in any frame, however small."""
    there = {truth.actor(box.actor_id).kind for frame in truth.frames for box in frame.boxes}
    return {("without", name) for name, (kinds, _) in ABSENT.items() if not there & set(kinds)}


def sayable(fact: Fact) -> bool:
    """Whether `say` has words for it."""
    if fact[0] == "event":
        named = fact[1] in EVENTS
        return named and (len(fact) == 2 or (fact[2] in ACTORS and "{wh" in EVENTS[fact[1]][0]))
    if fact[0] == "without":
        return fact[1] in ABSENT
    return fact[1] in ACTORS if fact[0] == "actor" else fact in SCENE or fact in EGO


def say(fact: Fact, rng: random.Random, rare: float = 0.0) -> str:
    """One wording of one fact; with the chance `rare` one in the rarer words that only training hears."""
    if rare > 0 and rng.random() < rare and (rarely := say_in(RARE, fact, rng, plain_colours=True)):
        return rarely
    if fact[0] == "actor":
        return article(_noun(fact[1:], rng))
    if fact[0] == "event":
        form = rng.choice(EVENTS[fact[1]])
        who = article(_noun(fact[2:], rng)) if len(fact) > 2 else "someone or something"
        return form.format(who=who, what=_noun(fact[2:], rng) if len(fact) > 2 else "traffic")
    if fact[0] == "without":
        return rng.choice(ABSENT[fact[1]][1])
    return rng.choice(SCENE.get(fact) or EGO[fact])


def _noun(values: Fact, rng: random.Random) -> str:
    return " ".join((*values[1:], rng.choice(ACTORS[values[0]])))


def say_in(voice: Voice, fact: Fact, rng: random.Random, *, plain_colours: bool = False) -> str:
    """A wording of one fact in a voice, or nothing where it has none; `plain_colours` lets colours be said as usual."""
    slot, name, *who = fact
    if slot in ("road", "light", "weather"):
        phrases: tuple[str, ...] = getattr(voice, slot)[name]
        return rng.choice(phrases)
    if slot == "ego":
        plural, single = rng.choice(voice.ego[name])
        return rng.choice((f"we {plural}", f"the car {single}"))
    if slot == "actor" and name in voice.nouns:
        return article(_noun_in(voice, (name, *who), rng, plain_colours))
    if slot != "event":
        return ""
    form = rng.choice(voice.forms[name])
    if who and who[0] in voice.nouns:
        noun = _noun_in(voice, tuple(who), rng, plain_colours)
        return form.format(a=article(noun), n=noun)
    return "" if "{" in form else form


def _noun_in(voice: Voice, values: Fact, rng: random.Random, plain_colours: bool) -> str:
    """A noun with its colour, if the fact has one."""
    kind, *colours = values
    said = []
    for colour in colours:
        others = tuple(voice.colours.get(colour, ()))
        said.append(rng.choice((colour, *others) if plain_colours or not others else others))
    return " ".join((*said, rng.choice(voice.nouns[kind])))


def make_query(
    facts: frozenset[Fact], rng: random.Random, most: int = 3, rare: float = 0.0
) -> tuple[str, frozenset[Fact]]:
    """A query that fits a clip: its words, and the facts that any other clip must have to match it too."""
    by_slot: dict[str, list[Fact]] = {}
    for fact in sorted(facts):
        by_slot.setdefault(fact[0], []).append(fact)
    slots = [
        slot for slot in ("event", "actor", "ego", "road", "weather", "light", "without") if slot in by_slot
    ]
    count = min(len(slots), rng.choice((1, 1, 2, 2, 2, *(range(3, most + 1)))))
    weights = {
        "event": 3.0,
        "actor": 3.0,
        "ego": 1.5,
        "road": 1.0,
        "weather": 1.0,
        "light": 1.0,
        "without": 0.4,
    }
    picked: list[Fact] = []
    while len(picked) < count:
        slot = rng.choices(slots, [weights[s] for s in slots])[0]
        slots.remove(slot)
        picked.append(rng.choice(by_slot[slot]))
    order = {"event": 0, "actor": 0, "ego": 1, "weather": 3, "light": 3, "road": 2, "without": 1}
    picked.sort(key=lambda fact: (order[fact[0]], rng.random()))
    return " ".join(say(fact, rng, rare) for fact in picked), frozenset(picked)
