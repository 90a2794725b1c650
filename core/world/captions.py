"""Sentences about a clip, drawn from its truth: never more than the clip shows.

An event is spoken of only when `render.witnessed` kept it; a colour or a count only for actors that can be made
out; weather and light not in a tunnel, where nobody could tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from numpy.random import Generator

from core.world.truth import ActorTruth, ClipTruth, Event, shown
from core.world.voice import Voice, article
from core.world.wording import NUMBERS, SEEN
from core.world.wording_rare import FRAMES, RARE
from core.world.wording_unseen import NOMINAL, REPORTS, REQUESTS, UNSEEN

VEHICLES = ("car", "van", "truck", "bus", "motorcycle", "ambulance", "cyclist")
PEOPLE = ("pedestrian", "child")
SHORTEST, LONGEST = 4, 30
WHOLE = 3
"""How many of a clip's captions tell all of it, the first one among them."""
TRIES = 8
"""How often a paraphrase is put in other words before it is cut."""
Voices = Callable[[], Voice]
"""Whose words the next phrase is spoken in."""


def _plain() -> Voice:
    return SEEN


def _one(rng: Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _article(noun: str) -> str:
    return noun if noun == "someone" else article(noun)


def _noun(rng: Generator, actor: ActorTruth, w: Voice, *, colour: bool) -> str:
    """A noun phrase without article; colours of people are those of their clothes."""
    noun = _one(rng, w.nouns.get(actor.kind, (actor.kind,)))
    if not colour or not actor.colour or noun == "someone" or "blue lights" in noun:
        return noun
    tone = _one(rng, w.colours.get(actor.colour, (actor.colour,)))
    if actor.kind in PEOPLE or actor.kind == "cyclist":
        if noun == "bicycle":
            noun = "cyclist"
        return f"{noun} {_one(rng, ('in {}', 'in a {} jacket', 'wearing {}', 'dressed in {}')).format(tone)}"
    return f"{tone} {noun}"


def _ego(rng: Generator, manoeuvre: str, w: Voice, *, short: bool = True) -> str:
    if short and w.ego_short and rng.random() < 0.25:
        return _one(rng, w.ego_short[manoeuvre])
    subject = _one(rng, w.subjects)
    forms = w.ego[manoeuvre]
    plural, single = forms[int(rng.integers(len(forms)))]
    return f"{subject} {plural if subject == 'we' else single}"


def speak(
    rng: Generator, truth: ClipTruth, event: Event, w: Voice = SEEN, *, colour: bool, short: float = 0.4
) -> str:
    """One sentence about one event; with chance `short` in the form of a search box."""
    brief = event.name in w.short and rng.random() < short
    form = _one(rng, w.short[event.name] if brief else w.forms[event.name])
    if match := re.fullmatch(r"\{e:(.+)\}", form):
        return _ego(rng, match[1], w, short=short > 0)
    return _filled(rng, truth, event, form, w, colour=colour)


def _filled(rng: Generator, truth: ClipTruth, event: Event, form: str, w: Voice, *, colour: bool) -> str:
    """A form with its actor in it."""
    if event.actor_id is None or "{" not in form:
        return form
    actor = truth.actor(event.actor_id)
    noun = _noun(rng, actor, w, colour=colour)
    while "{n}" in form and noun == "someone":
        noun = _noun(rng, actor, w, colour=colour)
    return form.format(a=_article(noun), n=noun)


def setting(
    rng: Generator,
    truth: ClipTruth,
    w: Voice = SEEN,
    *,
    road: float = 0.6,
    light: float = 0.6,
    weather: float = 0.6,
) -> str:
    """Where and when, each part with its own chance; may be empty."""
    parts: list[str] = []
    hidden = truth.road == "tunnel"
    by_light, by_weather = not hidden and rng.random() < light, not hidden and rng.random() < weather
    if w.both and by_light and by_weather and rng.random() < 0.6:
        parts.append(_one(rng, w.both[truth.light, truth.weather]))
    else:
        if by_light:
            parts.append(_one(rng, w.light[truth.light]))
        if by_weather:
            parts.append(_one(rng, w.weather[truth.weather]))
    if rng.random() < road or (hidden and not parts):
        parts.append(_one(rng, w.road[truth.road]))
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


def _presence(rng: Generator, truth: ClipTruth, w: Voice = SEEN) -> list[str]:
    """Sentences about who is there and who is not."""
    found: list[str] = []
    for actor in _seen(truth, VEHICLES, 0.003):
        name = _article(_noun(rng, actor, w, colour=rng.random() < 0.75))
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
            word = f"{NUMBERS[len(walkers)]} {_one(rng, w.plurals['pedestrian'])}"
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


def _pair(rng: Generator, truth: ClipTruth, voice: Voices) -> str:
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
    one, two = (speak(rng, truth, e, voice(), colour=rng.random() < 0.4) for e in (a, b))
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


def _told(truth: ClipTruth) -> list[Event]:
    """The events that a whole caption names, in their order: others' first, at most two."""
    others = [e for e in truth.events if e.actor_id is not None]
    chosen = (others or list(truth.events))[:2]
    return sorted(chosen, key=lambda event: event.start_s)


def _adds(truth: ClipTruth, told: list[Event]) -> bool:
    """Whether the manoeuvre says something that the events have not said."""
    return not any(event.name.startswith("ego") or event.name == "waits at red" for event in told)


def whole(rng: Generator, truth: ClipTruth, voice: Voices = _plain) -> str:
    """One sentence that is meant to fit this clip and few others: where, when, who did what, who else is there."""
    told = _told(truth)
    spoken = [speak(rng, truth, e, voice(), colour=rng.random() < 0.8, short=0.0) for e in told]
    parts: list[str] = []
    if len(spoken) == 2 and told[1].start_s - told[0].start_s >= 0.6:
        parts.append(_one(rng, ("first {}, then {}", "{}, then {}", "{} and then {}")).format(*spoken))
    else:
        parts += spoken[:1] if len(spoken) < 2 else [f"{spoken[0]} and {spoken[1]}"]
    if not parts or _adds(truth, told):
        does = _ego(rng, truth.ego, voice())
        parts = [f"{does} {_one(rng, ('while', 'as', 'and'))} {parts[0]}" if parts else does]
    there = _presence(rng, truth, voice())
    if there and rng.random() < 0.6:
        parts.append(there[int(rng.integers(len(there)))])
    where = setting(rng, truth, voice(), road=0.95, light=0.95, weather=0.95)
    parts.insert(0, where) if rng.random() < 0.3 else parts.append(where)
    return _cut(", ".join(part for part in parts if part))


def paraphrase(rng: Generator, truth: ClipTruth) -> str:
    """What `whole` tells, in a sentence family that training never hears and every other word unknown to it."""
    for _ in range(TRIES):
        if len((text := _reworded(rng, truth)).split()) <= LONGEST:
            return text
    return _cut(text)


def _reworded(rng: Generator, truth: ClipTruth) -> str:
    def voice() -> Voice:
        return UNSEEN if rng.random() < 0.5 else SEEN

    told = _told(truth)
    here = voice()
    where = setting(rng, truth, here, road=0.95, light=0.95, weather=0.95)
    if told and rng.random() < 0.5:
        nouns = [_filled(rng, truth, e, NOMINAL[e.name], voice(), colour=rng.random() < 0.8) for e in told]
        return _one(rng, REPORTS).format(event=" and ".join(nouns), where=where)
    spoken = [speak(rng, truth, e, voice(), colour=rng.random() < 0.8, short=0.0) for e in told]
    if not spoken or _adds(truth, told):
        spoken.append(_ego(rng, truth.ego, voice(), short=False))
    return f"{_one(rng, REQUESTS).format(' and '.join(spoken))} {where}"


def _cut(text: str) -> str:
    """At most `LONGEST` words, cut at a comma where there is one: what is left still holds."""
    words = text.split()
    if len(words) <= LONGEST:
        return text
    head, comma, _ = " ".join(words[:LONGEST]).rpartition(",")
    return head if comma else " ".join(words[:LONGEST])


def _framed(rng: Generator, text: str) -> str:
    """A sentence as people put it to others, if there is room for more words."""
    return _one(rng, FRAMES).format(text) if len(text.split()) <= LONGEST - 6 else text


def captions(truth: ClipTruth, rng: Generator, count: int = 10, rare: float = 0.0) -> list[str]:
    """`count` different sentences (fewer only if the clip has nothing more to say), lower case, no full stop.

    The first ones tell the whole clip; the others leave out as people do. With `rare`, that share of the phrases
    uses the words of `wording_rare`, and half that share of the sentences stands in one of its frames.
    """

    def voice() -> Voice:
        return RARE if rare > 0 and rng.random() < rare else SEEN

    def framed(text: str) -> str:
        return _framed(rng, text) if rare > 0 and text and rng.random() < rare / 2 else text

    result: list[str] = []
    there = _presence(rng, truth, voice())
    for _ in range(WHOLE):
        if (text := framed(whole(rng, truth, voice))) not in result:
            result.append(text)
    for turn in range(count * 8):
        if len(result) >= count:
            break
        event = truth.events[int(rng.integers(len(truth.events)))] if truth.events else None
        kind = turn % 8
        if kind in (0, 1, 2) and event:
            chance = (0.0, 0.45, 0.8)[kind]
            text = _join(
                rng,
                speak(rng, truth, event, voice(), colour=rng.random() < 0.5),
                setting(rng, truth, voice(), road=chance, light=chance, weather=chance),
            )
        elif kind == 3 and event and event.actor_id is not None:
            link = _one(rng, ("while", "as", "and"))
            also = speak(rng, truth, event, voice(), colour=rng.random() < 0.4, short=0.0)
            text = f"{_ego(rng, truth.ego, voice())} {link} {also}"
            text = _join(rng, text, setting(rng, truth, voice(), road=0.25, light=0.25, weather=0.25))
        elif kind == 4:
            text = _join(
                rng,
                _ego(rng, truth.ego, voice()),
                setting(rng, truth, voice(), road=0.8, light=0.6, weather=0.6),
            )
        elif kind == 5:
            text = setting(rng, truth, voice(), road=0.9, light=0.8, weather=0.8)
            if truth.road != "tunnel" and rng.random() < 0.3:
                title = _one(rng, SEEN.titles[truth.light, truth.weather])
                text = f"{title} {_one(rng, voice().road[truth.road])}"
            else:
                text = _one(rng, ("a drive {}", "driving {}", "the road {}", "a trip {}", "{}")).format(text)
        elif kind == 6:
            text = _pair(rng, truth, voice)
            if text and rng.random() < 0.35:
                text = _join(rng, text, setting(rng, truth, voice(), road=0.4, light=0.4, weather=0.4))
        else:
            text = ""
            if there:
                text = there[int(rng.integers(len(there)))]
                if rng.random() < 0.6:
                    text = _join(rng, text, setting(rng, truth, voice(), road=0.4, light=0.4, weather=0.4))
        text = text if kind in (5, 7) else framed(text)
        if text and SHORTEST <= len(text.split()) <= LONGEST and text not in result:
            result.append(text)
    return result
