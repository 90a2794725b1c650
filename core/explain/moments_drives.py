"""Drives of two to five minutes with known truth, joined from clips of the demo world, and what is asked of them.

Used by `moments_truth.py` alone. Neighbouring clips share road, light and weather where the set has such clips, as
the minutes of a drive do. Three kinds of queries: an *event* (who does what, and in which setting), true where the
script says that it happens; a *clip*, one sentence that tells all of it; a *scene* (a setting), true for as long as
the drive goes through it. What a query says and what counts as its truth come from the same draw, and an event that
another kind of actor does as well in the same drive is not asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator

from core.world.captions import setting, speak
from core.world.truth import ClipTruth, Event

SHORTEST_S: Final = 120.0
LONGEST_S: Final = 300.0
EVENTS: Final = 6
CLIPS: Final = 3
SCENES: Final = 3
"""Queries of each kind that are asked of one drive, if it has so many."""
SETTINGS: Final = ("road", "light", "weather")
Span = tuple[float, float]


@dataclass(frozen=True)
class Asked:
    """A query, its kind, and the spans of the drive that answer it."""

    text: str
    kind: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Drive:
    """Numbers of the clips that a drive is joined from, when each begins, and the queries asked of it."""

    clips: tuple[int, ...]
    starts_s: tuple[float, ...]
    asked: tuple[Asked, ...]


def make_drives(truths: Sequence[ClipTruth], captions: Sequence[Sequence[str]], seed: int) -> list[Drive]:
    """Joins every clip into one drive at most; what is left of less than two minutes stays out."""
    rng = np.random.default_rng(seed)
    left = [int(number) for number in rng.permutation(len(truths))]
    drives = []
    while left:
        wanted_s = rng.uniform(SHORTEST_S, LONGEST_S)
        clips: list[int] = []
        while left and _seconds(truths, [*clips, left[-1]]) <= wanted_s:
            clips.append(left.pop())
            for _ in range(int(rng.integers(0, 3))):
                alike = [n for n in left if _setting(truths[n]) == _setting(truths[clips[-1]])]
                if alike and _seconds(truths, [*clips, alike[-1]]) <= wanted_s:
                    left.remove(alike[-1])
                    clips.append(alike[-1])
        if not left and _seconds(truths, clips) < SHORTEST_S:
            break
        drives.append(_asked(clips, truths, captions, rng))
    return drives


def _seconds(truths: Sequence[ClipTruth], clips: Sequence[int]) -> float:
    return sum(truths[number].duration_s for number in clips)


def _setting(truth: ClipTruth) -> tuple[str, ...]:
    return truth.road, truth.light, truth.weather


def _asked(
    clips: list[int], truths: Sequence[ClipTruth], captions: Sequence[Sequence[str]], rng: Generator
) -> Drive:
    """The drive and a draw of its queries, each text once."""
    inside = [truths[number] for number in clips]
    starts = np.concatenate([[0.0], np.cumsum([truth.duration_s for truth in inside])[:-1]]).tolist()
    found: list[Asked] = []
    for place in rng.permutation(len(clips))[:CLIPS].tolist():
        span = (starts[place], starts[place] + inside[place].duration_s)
        found.append(Asked(captions[clips[place]][0], "clip", (span,)))
    for place in rng.permutation(len(clips)).tolist():
        if sum(one.kind == "scene" for one in found) < SCENES:
            found += _scene(place, inside, starts, rng)
    for place in rng.permutation(len(clips)).tolist():
        if sum(one.kind == "event" for one in found) < EVENTS:
            found += _event(place, inside, starts, rng)
    return Drive(tuple(clips), tuple(starts), tuple({one.text: one for one in found}.values()))


def _said(truth: ClipTruth, rng: Generator) -> tuple[str, dict[str, str]]:
    """Words for some of the setting, and what they say of it; nobody can tell light or weather in a tunnel."""
    chosen = {name: bool(rng.random() < 0.6) for name in SETTINGS}
    if truth.road == "tunnel":
        chosen = {"road": True, "light": False, "weather": False}
    words = _in_words(rng, truth, chosen)
    return words, {name: getattr(truth, name) for name in SETTINGS if chosen[name]}


def _in_words(rng: Generator, truth: ClipTruth, chosen: dict[str, bool]) -> str:
    road, light, weather = (float(chosen[name]) for name in SETTINGS)
    return setting(rng, truth, road=road, light=light, weather=weather)


def _agrees(truth: ClipTruth, said: dict[str, str]) -> bool:
    hidden = truth.road == "tunnel" and "road" not in said and bool(said)
    return not hidden and all(getattr(truth, name) == value for name, value in said.items())


def _scene(place: int, inside: list[ClipTruth], starts: list[float], rng: Generator) -> list[Asked]:
    """A setting; neighbouring clips of it are one moment. One that most of the drive has is no moment."""
    words, said = _said(inside[place], rng)
    there = [_agrees(truth, said) for truth in inside]
    if (len(said) < 2 and inside[place].road != "tunnel") or sum(there) > len(inside) / 3:
        return []
    whole = zip(starts, inside, there, strict=True)
    spans = [(start_s, start_s + truth.duration_s) for start_s, truth, holds in whole if holds]
    return [Asked(f"driving {words}", "scene", _joined(spans))]


def _event(place: int, inside: list[ClipTruth], starts: list[float], rng: Generator) -> list[Asked]:
    """One event of the clip with some of its setting, and every other time that it happens in such a setting."""
    truth = inside[place]
    if not truth.events:
        return []
    event = truth.events[int(rng.integers(len(truth.events)))]
    words, said = _said(truth, rng)
    text = f"{speak(rng, truth, event, colour=False)} {words}".strip()
    spans = []
    for start_s, other in zip(starts, inside, strict=True):
        for same in other.events if _agrees(other, said) else ():
            if same.name == event.name:
                if _kind(other, same) != _kind(truth, event):
                    return []
                spans.append((start_s + same.start_s, start_s + same.end_s))
    return [Asked(text, "event", _joined(spans))]


def _joined(spans: list[Span]) -> tuple[Span, ...]:
    """What touches or overlaps is one moment."""
    joined: list[Span] = []
    for start_s, end_s in sorted(spans):
        if joined and start_s <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end_s))
        else:
            joined.append((start_s, end_s))
    return tuple(joined)


def _kind(truth: ClipTruth, event: Event) -> str:
    return "" if event.actor_id is None else truth.actor(event.actor_id).kind
