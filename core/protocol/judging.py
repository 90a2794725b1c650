"""Messages about judgements: how well a clip answers a query, by whom, undone and redone."""

from __future__ import annotations

from typing import Literal

import msgspec

from core.protocol.basics import Message

Verdict = Literal["relevant", "partly", "not", "unsure", "withdrawn"]


# --- window -> engine ---------------------------------------------------------------------------------


class GetJudgements(Message, frozen=True):
    """Answers `Judgements`: all that hold in the open library."""

    id: int


class Judge(Message, frozen=True):
    """Say how well a clip answers a query. Answers `Judgements` with what now holds for the two."""

    id: int
    query: str
    clip_id: int
    verdict: Verdict
    author: str
    tags: tuple[str, ...] = ()
    note: str = ""


class UndoJudgement(Message, frozen=True):
    """Take this author's last judgement back, or with `redo` bring the one taken back last.

    Answers `Judgements` with what now holds; `changed` names an empty query if there was nothing to do.
    """

    id: int
    author: str
    redo: bool = False


# --- engine -> window ---------------------------------------------------------------------------------


class JudgementInfo(msgspec.Struct, frozen=True):
    """What holds for a query (white space made single) and a clip. `made` is UTC in ISO 8601."""

    query: str
    clip_id: int
    verdict: Verdict
    tags: tuple[str, ...]
    note: str
    author: str
    made: str


class Judgements(Message, frozen=True):
    """What holds. With `changed` (query, clip) it is only what holds for that pair: one judgement or none."""

    id: int
    judgements: tuple[JudgementInfo, ...]
    changed: tuple[str, int] | None = None


Requests = GetJudgements | Judge | UndoJudgement
