"""A ranking as CSV or JSON text, and onto disk whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from typing import Final

import msgspec
from PySide6.QtCore import QByteArray, QIODevice, QSaveFile

from core.protocol import Hit, Ranked

COLUMNS: Final = (
    "rank", "clip_id", "video", "start_s", "end_s", "score", "rerank_score", "first_rank", "percentile", "taken",
    "learned",
)  # fmt: skip
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def as_csv(ranked: Ranked) -> str:
    """One line a hit, RFC 4180; times in seconds of the file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for hit in ranked.hits:
        writer.writerow([cell(getattr(hit, column)) for column in COLUMNS])
    return out.getvalue()


def as_json(ranked: Ranked) -> str:
    """The whole ranking, with its query and timings; the same keys as the command line prints."""
    return json.dumps(
        {
            "query": ranked.query,
            "without": list(ranked.without),
            "learned": msgspec.to_builtins(ranked.learned),
            "stage": ranked.stage,
            "searched_clips": ranked.searched_clips,
            "likely": ranked.likely,
            "timings_ms": ranked.timings_ms,
            "hits": [_fields(hit) for hit in ranked.hits],
        },
        ensure_ascii=False,
        indent=2,
    )


def write_atomically(path: str, text: str) -> str:
    """Put `text` at `path` in one step. Returns "" or one sentence saying why it was not written."""
    file = QSaveFile(path)
    if not file.open(QIODevice.OpenModeFlag.WriteOnly):
        return f"{path} cannot be written: {file.errorString()}."
    data = text.encode("utf-8")
    if file.write(QByteArray(data)) != len(data):  # a short write alone would not fail the commit
        file.cancelWriting()
    if not file.commit():
        return f"{path} was not written: {file.errorString()}."
    return ""


def _fields(hit: Hit) -> dict[str, object]:
    values: dict[str, object] = msgspec.structs.asdict(hit)
    return {column: values[column] for column in COLUMNS}


def cell(value: object) -> object:
    """A value as a spreadsheet may safely open it: a text that looks like a formula gets a quote before it."""
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
