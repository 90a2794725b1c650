"""Moments: where in a whole video a query is answered, and for how long.

After LLMEPET (MM 2024) without its language model: events come from the frames' self-similarity alone, the query
only scores them. Everything is worked out from vectors that ingest has cached, in one pass a video:

salience    what the query's sentence and windows of two lengths around a time have in common. A window goes
            through the reranker's temporal head like a clip of its own, so that motion counts (a single frame does
            not tell braking from standing). Standardised within the video: 0 is its mean.
events      between boundaries, where frames on either side resemble each other less than those on the same side
proposals   up to `MOST_EVENTS` events in a row, at three levels of fineness. A happening need not change the picture:
            where one is asked for, any frames in a row as well, up to twice as long as such a thing takes.
score       mean salience inside, plus a share of how far it stands out from its surroundings and of how sharp its
            ends are, less what a boundary inside it and a length that is unlikely for what was asked cost
            (`moments_scope`)

Times are seconds of the video. T frames, W = T windows. No query changes the answer of another one: each is scored
by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.explain.moments_events import boundaries, novelty
from core.explain.moments_scope import Scope

Floats = npt.NDArray[np.float64]
Spans = npt.NDArray[np.int64]
MOST_EVENTS: Final = 4
LEVELS: Final = (-9.0, -0.2, 0.5)
"""Boundaries stand this many standard deviations above the mean novelty: every local peak, most, the strong ones."""
SHORTEST_FRAMES: Final = 2
MOST_MOMENTS: Final = 10
OVERLAP: Final = 0.5
STANDS_OUT: Final = 0.5
PARTED: Final = 0.1
"""Shares of contrast and of the largest novelty inside in a score. Like what `moments_scope` weighs they were chosen
on drives of 1,280 clips that were unknown to the bundle of the day and are in neither val nor test."""
LONGEST: Final = 2.0
"""Spans of a happening are at most this many times as long as it usually is."""


@dataclass(frozen=True)
class Footage:
    """One video's frames in order of time, as far as clips of the library cover it.

    `starts_s`, `ends_s` (T,): the stretch that each frame stands for. `windows` (T, D): mean vectors of the windows
    around each frame. `novelty` (T,): how much a boundary lies before each frame, standardised. `events`: boundary
    frames from 0 to T by level, the finest first.
    """

    starts_s: Floats
    ends_s: Floats
    windows: npt.NDArray[np.float32]
    novelty: Floats
    events: tuple[Spans, ...]

    @classmethod
    def of(
        cls,
        starts_s: Floats,
        ends_s: Floats,
        frames: npt.NDArray[np.float32],
        windows: npt.NDArray[np.float32],
    ) -> Footage:
        """Works out novelty and events from unit frame vectors `frames` (T, D), whatever is asked."""
        raw = novelty(frames)
        events = tuple(boundaries(raw, level) for level in LEVELS)
        return cls(starts_s, ends_s, windows, standardised(raw), events)

    def span_s(self, first: int, end: int) -> tuple[float, float]:
        """Seconds of the frames [first, end)."""
        return float(self.starts_s[first]), float(self.ends_s[end - 1])

    def frames_of(self, start_s: float, end_s: float) -> tuple[int, int]:
        """The frames [first, end) whose middles lie in a span of seconds; at least one, the nearest."""
        middles = (self.starts_s + self.ends_s) / 2
        first, end = np.searchsorted(middles, [start_s, end_s], side="left").tolist()
        if end <= first:
            first = min(int(np.abs(middles - (start_s + end_s) / 2).argmin()), len(middles) - 1)
            end = first + 1
        return first, end


@dataclass(frozen=True)
class Moment:
    """A span that answers the query. `score` orders moments; `salience` is the mean inside, `peak_s` its summit."""

    start_s: float
    end_s: float
    score: float
    salience: float
    peak_s: float


@dataclass(frozen=True)
class Salience:
    """A query's curve over a video (T,): cosines as they are, and standardised within the video."""

    cosine: Floats
    curve: Floats


def salience(footage: Footage, sentence: npt.NDArray[np.float32]) -> Salience:
    """How much each moment of the video has of the query. `sentence` (D,) is unit."""
    cosine = footage.windows.astype(np.float64) @ sentence.astype(np.float64)  # (T,)
    return Salience(cosine, standardised(cosine))


def find(footage: Footage, found: Salience, scope: Scope, most: int = MOST_MOMENTS) -> list[Moment]:
    """The best moments that do not mostly overlap a better one, best first."""
    spans = candidates(footage, scope)
    scores = score(footage, found.curve, spans, scope)
    seconds = np.stack([footage.starts_s[spans[:, 0]], footage.ends_s[spans[:, 1] - 1]], axis=1)
    kept = suppress(seconds, scores, most)
    return [_moment(footage, found, spans[place], float(scores[place])) for place in kept]


def score_span(
    footage: Footage, found: Salience, scope: Scope, start_s: float, end_s: float
) -> tuple[Moment, float]:
    """A span that a person chose, scored like a proposal, and the share (0..1) of proposals that it beats or meets."""
    chosen = np.array([footage.frames_of(start_s, end_s)])
    others = score(footage, found.curve, candidates(footage, scope), scope)
    value = float(score(footage, found.curve, chosen, scope)[0])
    return _moment(footage, found, chosen[0], value), float((others <= value).mean())


def _moment(footage: Footage, found: Salience, span: Spans, value: float) -> Moment:
    first, end = int(span[0]), int(span[1])
    top = first + int(found.curve[first:end].argmax())
    peak_s = float(footage.starts_s[top] + footage.ends_s[top]) / 2
    return Moment(*footage.span_s(first, end), value, float(found.curve[first:end].mean()), peak_s)


def candidates(footage: Footage, scope: Scope) -> Spans:
    """The spans of frames [first, end), (P, 2), that are scored for a kind of question."""
    found = proposals(footage.events)
    if not scope.anywhere:
        return found
    T = len(footage.starts_s)
    step_s = float(np.median(footage.ends_s - footage.starts_s))
    longest = min(T, max(SHORTEST_FRAMES + 1, round(LONGEST * scope.likely_s / step_s)))
    sizes = range(SHORTEST_FRAMES, longest + 1)
    free = [np.stack([np.arange(T - size + 1), np.arange(size, T + 1)], axis=1) for size in sizes]
    return np.unique(np.concatenate([found, *free]), axis=0)


def proposals(events: Sequence[Spans]) -> Spans:
    """Every run of at most `MOST_EVENTS` events of one level as frames [first, end), (P, 2), each once, in order."""
    found = {
        (int(edges[place]), int(edges[place + count]))
        for edges in events
        for count in range(1, MOST_EVENTS + 1)
        for place in range(len(edges) - count)
    }
    whole = {(int(events[0][0]), int(events[0][-1]))}
    long_enough = {span for span in found if span[1] - span[0] >= SHORTEST_FRAMES}
    return np.array(sorted(long_enough or whole), np.int64)


def score(footage: Footage, curve: Floats, spans: Spans, scope: Scope) -> Floats:
    """What orders moments, (P,), of spans of frames (P, 2).

    The surroundings are half a span, at least two frames, on either side.
    """
    T = len(curve)
    sums = np.concatenate([[0.0], np.cumsum(curve)])  # (T + 1,)
    first, end = spans[:, 0], spans[:, 1]
    inside = (sums[end] - sums[first]) / (end - first)
    reach = np.maximum(2, (end - first) // 2)
    left, right = np.maximum(0, first - reach), np.minimum(T, end + reach)
    outside_n = np.maximum(1, (first - left) + (right - end))
    outside = (sums[first] - sums[left] + sums[right] - sums[end]) / outside_n
    ends = footage.novelty[first] + footage.novelty[np.minimum(end, T - 1)]
    parted = np.maximum(0.0, highest_inside(footage.novelty, spans))
    seconds = footage.ends_s[end - 1] - footage.starts_s[first]
    value: Floats = inside + STANDS_OUT * (inside - outside)
    return value + scope.ends * ends - PARTED * parted - scope.unlikely(seconds)


def highest_inside(values: Floats, spans: Spans) -> Floats:
    """The highest of `values` (T,) after the first frame of each span [first, end), (P,); -inf for a single frame."""
    levels = [values]  # of level n the highest of 2^n values from there on
    while 2 ** len(levels) <= len(values):
        half = 2 ** (len(levels) - 1)
        levels.append(np.maximum(levels[-1][:-half], levels[-1][half:]))
    first, end = spans[:, 0] + 1, spans[:, 1]
    found = np.full(len(spans), -np.inf)
    for level, highest in enumerate(levels):
        size = 2**level
        fits = (end - first >= size) & (end - first < 2 * size)
        found[fits] = np.maximum(highest[first[fits]], highest[end[fits] - size])
    return found


def suppress(seconds: Floats, scores: Floats, most: int, overlap: float = OVERLAP) -> list[int]:
    """Places of the best spans (P, 2), best first, none of which shares more than `overlap` (IoU) with a better one."""
    kept: list[int] = []
    for place in np.argsort(-scores, kind="stable").tolist():
        if len(kept) == most:
            break
        mine, better = seconds[place], seconds[kept]
        shared = np.minimum(mine[1], better[:, 1]) - np.maximum(mine[0], better[:, 0])
        union = np.maximum(mine[1], better[:, 1]) - np.minimum(mine[0], better[:, 0])
        if not ((shared > 0) & (shared > overlap * union)).any():
            kept.append(place)
    return kept


def standardised(values: Floats) -> Floats:
    """Mean 0 and standard deviation 1; all 0 where nothing varies."""
    spread = float(values.std())
    if spread < 1e-9:
        return np.zeros(len(values))
    return np.asarray((values - values.mean()) / spread)
