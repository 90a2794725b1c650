"""Sentences about a clip, drawn from its truth: never more than the clip shows.

An event is spoken of only when `render.witnessed` kept it; a colour or a count only for actors that can be made
out; weather and light not in a tunnel, where nobody could tell.
"""

from __future__ import annotations

import re

from numpy.random import Generator

from core.world import wording as w
from core.world.truth import ActorTruth, ClipTruth, Event, shown

VEHICLES = ("car", "van", "truck", "bus", "motorcycle", "ambulance", "cyclist")
PEOPLE = ("pedestrian", "child")
LIVING = ("dog", "deer")


def _one(rng: Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _article(noun: str) -> str:
    if noun == "someone":
        return noun
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _noun(rng: Generator, actor: ActorTruth, *, colour: bool) -> str:
    """A noun phrase without article; colours of people are those of their clothes."""
    noun = _one(rng, w.NOUNS.get(actor.kind, (actor.kind,)))
    if not colour or not actor.colour or noun == "someone" or "blue lights" in noun:
        return noun
    tone = _one(rng, w.COLOURS.get(actor.colour, (actor.colour,)))
    if actor.kind in PEOPLE or actor.kind == "cyclist":
        if noun == "bicycle":
            noun = "cyclist"
        return f"{noun} {_one(rng, ('in {}', 'in a {} jacket', 'wearing {}', 'dressed in {}')).format(tone)}"
    return f"{tone} {noun}"


def _ego(rng: Generator, manoeuvre: str) -> str:
    if rng.random() < 0.25:
        return _one(rng, w.EGO_SHORT[manoeuvre])
    subject = _one(rng, w.SUBJECTS)
    forms = w.EGO[manoeuvre]
    plural, single = forms[int(rng.integers(len(forms)))]
    return f"{subject} {plural if subject == 'we' else single}"


def speak(rng: Generator, truth: ClipTruth, event: Event, *, colour: bool) -> str:
    """One sentence about one event."""
    short = event.name in w.SHORT and rng.random() < 0.4
    form = _one(rng, w.SHORT[event.name] if short else w.FORMS[event.name])
    if match := re.fullmatch(r"\{e:(.+)\}", form):
        return _ego(rng, match[1])
    if event.actor_id is None or "{" not in form:
        return form
    actor = truth.actor(event.actor_id)
    noun = _noun(rng, actor, colour=colour)
    while "{n}" in form and noun == "someone":
        noun = _noun(rng, actor, colour=colour)
    return form.format(a=_article(noun), n=noun)


def setting(
    rng: Generator, truth: ClipTruth, *, road: float = 0.6, light: float = 0.6, weather: float = 0.6
) -> str:
    """Where and when, each part with its own chance; may be empty."""
    parts: list[str] = []
    hidden = truth.road == "tunnel"
    by_light, by_weather = not hidden and rng.random() < light, not hidden and rng.random() < weather
    if by_light and by_weather and rng.random() < 0.6:
        parts.append(_one(rng, w.BOTH[truth.light, truth.weather]))
    else:
        if by_light:
            parts.append(_one(rng, w.LIGHT[truth.light]))
        if by_weather:
            parts.append(_one(rng, w.WEATHER[truth.weather]))
    if rng.random() < road or (hidden and not parts):
        parts.append(_one(rng, w.ROAD[truth.road]))
    order = rng.permutation(len(parts))
    return " ".join(parts[int(i)] for i in order)


def _join(rng: Generator, sentence: str, where: str) -> str:
    if not where:
        return sentence
    return f"{where} {sentence}" if rng.random() < 0.25 else f"{sentence} {where}"


def _seen(truth: ClipTruth, kinds: tuple[str, ...], least: float = 0.0012) -> list[ActorTruth]:
    return [a for a in truth.actors if a.kind in kinds and shown(truth, a.id, least=least) >= 2]


def _never(truth: ClipTruth, kinds: tuple[str, ...]) -> bool:
    ids = {a.id for a in truth.actors if a.kind in kinds}
    return not any(box.actor_id in ids for frame in truth.frames for box in frame.boxes)


def _presence(rng: Generator, truth: ClipTruth) -> list[str]:
    """Sentences about who is there and who is not."""
    found: list[str] = []
    for actor in _seen(truth, VEHICLES, 0.003):
        name = _article(_noun(rng, actor, colour=rng.random() < 0.75))
        if actor.role == "parked":
            found.append(f"{name} {_one(rng, ('is parked', 'stands parked'))} on the {actor.side}")
        elif actor.role == "traffic" and actor.side == "ahead":
            found.append(
                _one(rng, (f"{name} drives ahead of us", f"we follow {name}", f"{name} is in front of us"))
            )
    for kinds, one in ((PEOPLE, "pedestrian"), (("car", "van"), "car")):
        seen = _seen(truth, kinds)
        standing = [a for a in seen if a.role == "parked"]
        if one == "car" and len(standing) >= 3:
            found.append(
                _one(
                    rng,
                    (
                        "cars are parked along the street",
                        "a row of parked cars",
                        "parked cars stand on the side of the street",
                    ),
                )
            )
        walkers = [a for a in seen if a.kind == one and a.kind == "pedestrian"]
        everyone = {a.id for a in truth.actors if a.kind in kinds}
        sure = {b.actor_id for f in truth.frames for b in f.boxes if b.actor_id in everyone}
        if one == "pedestrian" and len(walkers) == len(sure) and len(walkers) in (2, 3, 4):
            word = f"{w.NUMBERS[len(walkers)]} {_one(rng, w.PLURALS['pedestrian'])}"
            found.append(_one(rng, (f"{word} can be seen", f"there are {word}", f"{word} are near the road")))
    if _never(truth, VEHICLES):
        found.append(
            _one(
                rng,
                (
                    "no other traffic",
                    "no other cars on the road",
                    "there are no other vehicles",
                    "without other traffic",
                ),
            )
        )
    if _never(truth, (*PEOPLE, "cyclist", "motorcycle")) and truth.road in ("city", "intersection"):
        found.append(
            _one(
                rng,
                (
                    "no pedestrians can be seen",
                    "there are no people on the street",
                    "without any pedestrians",
                ),
            )
        )
    lights = {s for f in truth.frames for s in f.signals.values()}
    if lights == {"green"} and any(
        shown(truth, a.id, least=0.0006) for a in truth.actors if a.kind == "traffic light"
    ):
        found.append(
            _one(
                rng,
                ("the traffic light is green", "the light ahead is green", "green light at the intersection"),
            )
        )
    return found


def _pair(rng: Generator, truth: ClipTruth) -> str:
    """An ordered sentence of two events that begin at least 0.6 s apart, or nothing."""
    pairs = [
        (a, b)
        for a in truth.events
        for b in truth.events
        if b.start_s - a.start_s >= 0.6 and a.name != b.name
    ]
    if not pairs:
        return ""
    a, b = pairs[int(rng.integers(len(pairs)))]
    one, two = (speak(rng, truth, e, colour=rng.random() < 0.4) for e in (a, b))
    form = _one(
        rng,
        (
            "first {}, then {}",
            "{}, then {}",
            "{} and then {}",
            "{}, and after that {}",
            "first {} and after that {}",
        ),
    )
    return form.format(one, two)


def captions(truth: ClipTruth, rng: Generator, count: int = 10) -> list[str]:
    """`count` different sentences (fewer only if the clip has nothing more to say), lower case, no full stop."""
    result: list[str] = []
    there = _presence(rng, truth)
    for turn in range(count * 8):
        if len(result) >= count:
            break
        event = truth.events[int(rng.integers(len(truth.events)))] if truth.events else None
        kind = turn % 8
        if kind in (0, 1, 2) and event:
            chance = (0.0, 0.45, 0.8)[kind]
            text = _join(
                rng,
                speak(rng, truth, event, colour=rng.random() < 0.5),
                setting(rng, truth, road=chance, light=chance, weather=chance),
            )
        elif kind == 3 and event and event.actor_id is not None:
            link = _one(rng, ("while", "as", "and"))
            text = f"{_ego(rng, truth.ego)} {link} {speak(rng, truth, event, colour=rng.random() < 0.4)}"
            text = _join(rng, text, setting(rng, truth, road=0.25, light=0.25, weather=0.25))
        elif kind == 4:
            text = _join(rng, _ego(rng, truth.ego), setting(rng, truth, road=0.8, light=0.6, weather=0.6))
        elif kind == 5:
            text = setting(rng, truth, road=0.9, light=0.8, weather=0.8)
            if truth.road != "tunnel" and rng.random() < 0.3:
                title = _one(rng, w.TITLES[truth.light, truth.weather])
                text = f"{title} {_one(rng, w.ROAD[truth.road])}"
            else:
                text = _one(rng, ("a drive {}", "driving {}", "the road {}", "a trip {}", "{}")).format(text)
        elif kind == 6:
            text = _pair(rng, truth)
            if text and rng.random() < 0.35:
                text = _join(rng, text, setting(rng, truth, road=0.4, light=0.4, weather=0.4))
        else:
            text = ""
            if there:
                text = there[int(rng.integers(len(there)))]
                if rng.random() < 0.6:
                    text = _join(rng, text, setting(rng, truth, road=0.4, light=0.4, weather=0.4))
        if text and 2 <= len(text.split()) <= 32 and text not in result:
            result.append(text)
    return result
