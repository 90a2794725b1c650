"""What people corrected in video skeletons, by whom and when, and the measured motion that need not be measured twice.

One SQLite file in the library's folder, `skeletons.db`. Corrections are actions that are appended and only ever marked
undone, so that undo and redo outlive the program; the last one on a clip, a slot and a value that is not undone holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final, Literal

import msgspec

from core.errors import DrivescopeError, ErrorKind
from core.explain.ego_manoeuvres import Manoeuvre
from core.explain.ontology import Ontology
from core.explain.video_skeleton_records import Finding, VideoSkeleton
from core.library.action_log import ActionLog, Row

FILE: Final = "skeletons.db"
MOTION: Final = 1
"""Raise when `ego_motion` or `ego_manoeuvres` change what they say: kept answers of older rules are not read."""
Correction = Literal["holds", "not", "withdrawn"]
_SCHEMA: Final = """
    CREATE TABLE actions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        made TEXT NOT NULL,
        author TEXT NOT NULL,
        clip_id INTEGER NOT NULL,
        slot TEXT NOT NULL,
        value TEXT NOT NULL,
        verdict TEXT NOT NULL,
        start_s REAL,
        end_s REAL,
        undone INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX actions_by_clip ON actions (clip_id, id);
    CREATE TABLE motions (
        clip_id INTEGER PRIMARY KEY,
        rules INTEGER NOT NULL,
        manoeuvres TEXT NOT NULL
    ) STRICT;
"""


class Corrected(msgspec.Struct, frozen=True):
    """What a person said of one value of one clip. `made` is the UTC time in ISO 8601; no span means the model's."""

    clip_id: int
    slot: str
    value: str
    verdict: Correction
    author: str
    made: str
    start_s: float | None = None
    end_s: float | None = None


class SkeletonStore(ActionLog[int]):
    """The open store; `undo` and `redo` return the clip that a correction is about.

    Raises DrivescopeError as `ActionLog` does.
    """

    title: ClassVar = "The file of corrected skeletons"
    schema: ClassVar = _SCHEMA
    subject: ClassVar = "clip_id"

    def __init__(self, library_folder: Path) -> None:
        super().__init__(library_folder / FILE)

    def _about(self, row: Row) -> int:
        return int(row[0])

    # --- corrections ----------------------------------------------------------------------------------

    def correct(
        self,
        clip_id: int,
        slot: str,
        value: str,
        verdict: Correction,
        *,
        author: str,
        ontology: Ontology,
        span: tuple[float, float] | None = None,
    ) -> Corrected:
        """Records a correction and forgets what this author could have redone.

        Raises DrivescopeError(BAD_INPUT) for a slot or value that the ontology does not have, or an empty span.
        """
        if slot not in {known.id for known in ontology.slots} or value not in {
            concept.id for concept in ontology.of_slot(slot)
        }:
            raise DrivescopeError(
                ErrorKind.BAD_INPUT, f"The slot “{slot}” has no value “{value}”: choose another."
            )
        if span is not None and not span[0] < span[1]:
            raise DrivescopeError(
                ErrorKind.BAD_INPUT, "The correction ends before it begins: choose a longer span."
            )
        made = datetime.now(UTC).isoformat(timespec="milliseconds")
        start_s, end_s = span or (None, None)
        self._append(
            "INSERT INTO actions (made, author, clip_id, slot, value, verdict, start_s, end_s)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (made, author, clip_id, slot, value, verdict, start_s, end_s),
            author,
        )
        return Corrected(clip_id, slot, value, verdict, author, made, start_s, end_s)

    def undoable(self, author: str) -> tuple[bool, bool]:
        """Whether this author (anybody, if empty) has something to undo, and to redo."""
        there = {
            int(undone)
            for (undone,) in self._rows(
                "SELECT DISTINCT undone FROM actions WHERE ? IN ('', author)", (author,)
            )
        }
        return 0 in there, 1 in there

    def current(self, clip_id: int) -> tuple[Corrected, ...]:
        """What holds for a clip, oldest first."""
        rows = self._rows(
            "SELECT clip_id, slot, value, verdict, author, made, start_s, end_s FROM actions WHERE id IN"
            " (SELECT max(id) FROM actions WHERE undone = 0 AND clip_id = ? GROUP BY slot, value) ORDER BY id",
            (clip_id,),
        )
        return tuple(one for one in (Corrected(*row) for row in rows) if one.verdict != "withdrawn")

    # --- motion ---------------------------------------------------------------------------------------

    def motion(self, clip_id: int) -> tuple[Manoeuvre, ...] | None:
        """What was measured of a clip before, by the rules in force."""
        query = "SELECT manoeuvres FROM motions WHERE clip_id = ? AND rules = ?"
        rows = self._rows(query, (clip_id, MOTION))
        return tuple(msgspec.json.decode(rows[0][0], type=list[Manoeuvre])) if rows else None

    def keep_motion(self, clip_id: int, found: Sequence[Manoeuvre]) -> None:
        """Remembers what was measured."""
        with self._writing():
            self._db.execute(
                "INSERT OR REPLACE INTO motions VALUES (?, ?, ?)",
                (clip_id, MOTION, msgspec.json.encode(list(found)).decode()),
            )


def corrected(video: VideoSkeleton, said: Sequence[Corrected], exclusive: frozenset[str]) -> VideoSkeleton:
    """A skeleton with people's corrections over the model's answers.

    A value that a person asserts has probability 1 and in an exclusive slot takes the place of the others; one that a
    person denies has probability 0. Both come from "person".
    """
    findings = {(one.slot, one.value): one for one in video.findings}
    for one in said:
        known = findings.get((one.slot, one.value))
        holds = one.verdict == "holds"
        if holds and one.slot in exclusive:
            for key, other in findings.items():
                if key[0] == one.slot:
                    findings[key] = msgspec.structs.replace(other, holds=False)
        start_s = known.start_s if known is not None else video.start_s
        end_s = known.end_s if known is not None else video.end_s
        middle = (start_s + end_s) / 2
        findings[one.slot, one.value] = Finding(
            slot=one.slot,
            value=one.value,
            probability=1.0 if holds else 0.0,
            holds=holds,
            start_s=start_s if one.start_s is None else one.start_s,
            end_s=end_s if one.end_s is None else one.end_s,
            time_s=known.time_s if known is not None else middle,
            frame=known.frame if known is not None else 0,
            source="person",
        )
    order = {slot: place for place, slot in enumerate(dict.fromkeys(slot for slot, _ in findings))}
    ordered = sorted(findings.values(), key=lambda one: (order[one.slot], not one.holds, -one.probability))
    return msgspec.structs.replace(video, findings=tuple(ordered))
