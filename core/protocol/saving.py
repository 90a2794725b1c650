"""Clips as video files of their own."""

from __future__ import annotations

import msgspec

from core.protocol.basics import Message
from core.protocol.retrieval import FailureInfo


class ClipToSave(msgspec.Struct, frozen=True):
    """A clip and the rank that its file's name begins with."""

    rank: int
    clip_id: int


class SaveClips(Message, frozen=True):
    """Write clips as MP4 files, and `clips.csv` about them, into a folder. `Progress`, then `ClipsSaved`."""

    id: int
    folder: str
    clips: tuple[ClipToSave, ...]


class ClipsSaved(Message, frozen=True):
    """Answer to `SaveClips`. `failed` are the videos of clips that could not be read."""

    id: int
    folder: str
    saved: int
    failed: tuple[FailureInfo, ...] = ()
