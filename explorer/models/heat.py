"""Where in the frames a query is answered: what the heatmap shows, for which words, and how far to believe it.

The maps come from the engine for a clip's sampled frames; between two of them the heat is interpolated. What was
shown before is kept, so that going back and forth between words, clips and methods asks nothing twice.
"""

from __future__ import annotations

import bisect
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage, QPainter

from core.protocol import Failed, GetHeat, HeatMap, HeatTrust, Hit
from core.protocol import Heat as HeatReply
from explorer.engine_client import EngineClient, Request
from explorer.settings import Settings

KEPT: Final = 48
"""Sets of maps that are kept; one is about 200 kB."""
OPACITY_STEP: Final = 10
_SETTLE_MS: Final = 60
"""A pointer that runs over the words, or a key held down in the results, asks only for where it stops."""


@dataclass(frozen=True)
class Wish:
    """What is asked for: the key under which the answer is kept."""

    clip_id: int
    query: str
    phrase: str = ""
    against: str = ""
    method: str = ""


@dataclass
class HeatSet:
    """The maps of one wish, as far as they are there."""

    method: str = ""
    frames: int = 0
    maps: dict[int, HeatMap] = field(default_factory=dict)
    trust: dict[int, HeatTrust] = field(default_factory=dict)
    images: dict[int, QImage] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether nothing more is to come."""
        return self.frames > 0 and len(self.maps) == len(self.trust) == self.frames

    def take(self, reply: HeatReply) -> None:
        """Add a part of the answer."""
        self.method, self.frames = reply.method, reply.frames
        for one in reply.maps:
            self.maps[one.number] = one
            gray = QImage.Format.Format_Grayscale8
            self.images[one.number] = QImage(one.heat, one.width, one.height, one.width, gray).copy()
        self.trust |= {one.number: one for one in reply.trust}

    def around(self, time_s: float) -> tuple[int, int, float]:
        """The sampled frames before and after a time, and how far it is from the first to the second (0 to 1)."""
        numbers = sorted(self.maps, key=lambda number: self.maps[number].time_s)
        after = bisect.bisect_right([self.maps[number].time_s for number in numbers], time_s)
        if after == 0:
            return numbers[0], numbers[0], 0.0
        if after == len(numbers):
            return numbers[-1], numbers[-1], 0.0
        before, behind = numbers[after - 1], numbers[after]
        start_s, end_s = self.maps[before].time_s, self.maps[behind].time_s
        return before, behind, (time_s - start_s) / max(end_s - start_s, 1e-9)


@dataclass(frozen=True)
class HeatView:
    """The heat at one moment. `image` is grayscale, over the whole frame; `trust` that of the nearest map."""

    image: QImage
    map: HeatMap  # the nearest one
    trust: HeatTrust | None


class Heat(QObject):
    """The heatmap of the clip in the inspector. `show_phrase` is for whoever lists the query's words.

    Signals:
        changed(): other maps, another trust, on or off, another opacity or method: paint again.
        failed(sentence): there is no map, and why.
    """

    changed = Signal()
    failed = Signal(str)

    def __init__(self, client: EngineClient, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.methods: tuple[str, ...] = ()
        self.failure = ""
        self._client = client
        self._settings = settings
        self._on = False
        self._query = ""
        self._hit: Hit | None = None
        self._phrase = ""
        self._against = ""
        self._method = ""  # the bundle's default
        self._time_s = 0.0
        self._request: Request | None = None
        self._asked: Wish | None = None
        self._kept: OrderedDict[Wish, HeatSet] = OrderedDict()
        self._drawn: tuple[Wish, int, float, HeatView] | None = None
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._ask)
        settings.changed.connect(self._on_setting)

    # --- what is wanted ------------------------------------------------------------------------------

    @property
    def on(self) -> bool:
        """Whether the heatmap lies over the picture."""
        return self._on

    @on.setter
    def on(self, on: bool) -> None:
        if on != self._on:
            self._on = on
            self._wish_changed(at_once=True)

    def toggle(self) -> None:
        """On or off."""
        self.on = not self._on

    @property
    def phrase(self) -> str:
        """The words of the query that are asked for alone; "" for the whole query."""
        return self._phrase

    def show_phrase(self, phrase: str | None) -> None:
        """Ask for a run of the query's words alone, as the model reads them; None for the whole query again."""
        if (phrase or "") != self._phrase:
            self._phrase = phrase or ""
            self._wish_changed()

    @property
    def against(self) -> str:
        """The other query: what is shown speaks for the clip's query rather than for this one. "" for none."""
        return self._against

    def show_against(self, other: str) -> None:
        """Ask for the difference to another query; "" for none."""
        if other.strip() != self._against:
            self._against = other.strip()
            self._wish_changed(at_once=True)

    @property
    def method(self) -> str:
        """The method in force, as the engine names it; "" before the first answer."""
        current = self.current
        return current.method if current is not None else self._method

    def choose_method(self, name: str) -> None:
        """One of `methods`, until another library is open."""
        name = "" if self.methods[:1] == (name,) else name
        if name != self._method:
            self._method = name
            self._wish_changed(at_once=True)

    def next_method(self) -> None:
        """The one after the method in force."""
        if self.method in self.methods:
            place = self.methods.index(self.method) + 1
            self.choose_method(self.methods[place % len(self.methods)])

    @property
    def opacity(self) -> float:
        """From 0 (the frame alone) to 1."""
        return self._settings.number("heat/opacity") / 100

    def change_opacity(self, steps: int) -> None:
        """More (above 0) or less of the heat, in tenths."""
        value = self._settings.number("heat/opacity") + steps * OPACITY_STEP
        self._settings.set("heat/opacity", int(min(max(value, 0), 100)))

    def show_subject(self, query: str, hit: Hit | None) -> None:
        """The query and the clip of the inspector."""
        before, self._hit = self._hit, hit
        same_query = query == self._query
        self._query = query
        if not same_query:
            self._phrase = ""
        same_clip = hit is not None and before is not None and hit.clip_id == before.clip_id
        if not (same_query and same_clip):
            self._time_s = hit.start_s if hit is not None else 0.0
            self._wish_changed()

    def show_as(self, other: Heat) -> None:
        """Take up what another heatmap shows, or would show if it were on."""
        self._query, self._hit = other._query, other._hit
        self._phrase, self._against, self._method = other._phrase, other._against, other._method
        self.methods = other.methods
        self._wish_changed(at_once=True)

    def show_time(self, time_s: float) -> None:
        """Where the player is; maps near it are asked for first."""
        self._time_s = time_s

    def reload(self) -> None:
        """Ask again (a new engine came up, or another library is open)."""
        self._kept.clear()
        self.methods, self._method = (), ""
        self._wish_changed(at_once=True)

    # --- what there is -------------------------------------------------------------------------------

    @property
    def wish(self) -> Wish | None:
        """What should be on the picture; None while the heatmap is off or there is nothing to ask for."""
        if not self._on or self._hit is None or not self._query:
            return None
        against = "" if self._phrase else self._against
        return Wish(self._hit.clip_id, self._query, self._phrase, against, self._method)

    @property
    def current(self) -> HeatSet | None:
        """The maps of the wish, as far as they are there."""
        wish = self.wish
        return self._kept.get(wish) if wish is not None else None

    @property
    def waiting(self) -> bool:
        """Whether an answer, or the rest of one, is on its way."""
        return self._settle.isActive() or self._request is not None

    def at(self, time_s: float) -> HeatView | None:
        """The heat at a time of the file; None where there is no map yet."""
        wish, current = self.wish, self.current
        if wish is None or current is None or not current.maps:
            return None
        before, behind, part = current.around(time_s)
        if behind - before > 1:  # the maps between are still on their way
            before = behind = before if part < 0.5 else behind
            part = 0.0
        part = round(part, 2)
        nearest = before if part < 0.5 else behind
        trust = current.trust.get(nearest)
        if self._drawn is not None and self._drawn[:3] == (wish, before, part):
            image = self._drawn[3].image
        else:
            image = _between(current.images[before], current.images[behind], part)
        view = HeatView(image, current.maps[nearest], trust)
        self._drawn = (wish, before, part, view)
        return view

    # --- asking --------------------------------------------------------------------------------------

    def _wish_changed(self, *, at_once: bool = False) -> None:
        """Stop what is no longer wanted and ask for what is."""
        if self._request is not None and self._asked != self.wish:
            self._request.cancel()
        self.failure = ""
        self._drawn = None
        wish, current = self.wish, self.current
        if wish is None or (current is not None and current.complete):
            self._settle.stop()
            if wish is not None:
                self._kept.move_to_end(wish)
        elif at_once:
            self._ask()
        else:
            self._settle.start()
        self.changed.emit()

    def _ask(self) -> None:
        self._settle.stop()
        wish = self.wish
        if wish is None or not self._client.ready or (self._request is not None and self._asked == wish):
            return
        near_s = self._time_s
        request = self._client.send(
            lambda number: GetHeat(
                number, wish.clip_id, wish.query, wish.phrase, wish.against, wish.method, near_s
            )
        )
        self._request, self._asked = request, wish
        request.answered.connect(lambda reply: self._on_heat(wish, reply))
        request.failed.connect(lambda failure: self._on_failed(wish, failure))
        request.finished.connect(lambda: self._on_finished(request))

    def _on_heat(self, wish: Wish, reply: HeatReply) -> None:
        self.methods = reply.methods
        self._kept.setdefault(wish, HeatSet()).take(reply)
        self._kept.move_to_end(wish)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        if wish == self.wish:
            self._drawn = None
            self.changed.emit()

    def _on_failed(self, wish: Wish, failure: Failed) -> None:
        if wish == self.wish:
            self.failure = failure.sentence
            self.failed.emit(failure.sentence)
            self.changed.emit()

    def _on_finished(self, request: Request) -> None:
        if self._request is request:
            self._request = self._asked = None
            self.changed.emit()

    def _on_setting(self, key: str) -> None:
        if key == "heat/opacity":
            self.changed.emit()


def _between(first: QImage, second: QImage, part: float) -> QImage:
    """Two grayscale pictures of one size, mixed."""
    if part == 0:
        return first
    mixed = first.copy()
    painter = QPainter(mixed)
    painter.setOpacity(part)
    painter.drawImage(0, 0, second)
    painter.end()
    return mixed
