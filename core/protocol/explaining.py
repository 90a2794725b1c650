"""Messages about why a clip was found: which pixels of which frame answer the query, and whether to believe it."""

from __future__ import annotations

import msgspec

from core.protocol.basics import Message

__all__ = ["GetHeat", "Heat", "HeatMap", "HeatTrust"]

# --- window -> engine ---------------------------------------------------------------------------------


class GetHeat(Message, frozen=True):
    """Where in a clip's sampled frames a query is answered. Answers `Heat`s, the last one with `last=True`.

    `phrase` asks for a run of the query's words alone, `against` for what speaks for the query rather than for
    that other one; not both. `method` is one of `Heat.methods`, "" the bundle's default. The maps come nearest to
    `near_s` (seconds of the file) first, then their trust in the same order.
    """

    id: int
    clip_id: int
    text: str
    phrase: str = ""
    against: str = ""
    method: str = ""
    near_s: float = 0.0


# --- engine -> window ---------------------------------------------------------------------------------


class HeatMap(msgspec.Struct, frozen=True):
    """One sampled frame's map, drawn over the whole frame.

    `heat` holds height x width bytes, row by row: 0 where nothing answers, 255 at the frame's best place.
    """

    number: int  # of the clip's sampled frames, from 0
    time_s: float  # when the frame is on display, in seconds of the file
    score: float  # cosine of the frame and what is asked for (for a difference: of the two cosines)
    width: int
    height: int
    heat: bytes


class HeatTrust(msgspec.Struct, frozen=True):
    """How faithful one frame's map is to the model: insertion minus deletion area, from -1 to 1.

    The curves tell how sure the model is of the query beside what it could be mistaken for. `control` is what the
    luckiest random order of the same patches reached; a map that is not above it is not
    `reliable`.
    """

    number: int
    faithfulness: float
    control: float
    reliable: bool


class Heat(Message, frozen=True):
    """Some maps of a clip, or the trust in some that were sent before. `frames` is how many there will be."""

    id: int
    clip_id: int
    method: str
    methods: tuple[str, ...]  # that this bundle allows, the default first
    frames: int
    maps: tuple[HeatMap, ...] = ()
    trust: tuple[HeatTrust, ...] = ()
    last: bool = False


Requests = GetHeat
Replies = Heat
