"""Ground truth in: the files in which the field keeps queries and what they mean.

    CSV             query, video, start_s, end_s[, relevance], under whatever names   tables.py
    MSR-VTT         the JSON of captions, or the CSV of the 1k-A test split (one caption a row)
    BDD-X           the annotators' CSV (Answer.1start, ...) or one segment a row
    TREC            topics with their qrels   trec.py

`read_truth` tells them apart by their content. Rows that make no sense are kept aside with their reason; only a file
that is nothing of the above is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.files import Step, TextFile, no_step, read_text, watched
from core.evaluate.tables import Table, Unit, find_columns, open_table, plain_name, seconds, unit_of
from core.evaluate.trec import read_qrels, read_topics
from core.evaluate.truth import Column, RejectedRow, Role, TruthFile, TruthRow

_BDDX_WIDE: Final = re.compile(r"answer_?(\d+)_?(start|end|action|justification)")
_MSRVTT_NAMES: Final = frozenset({"video_id", "sentence"})
READING: Final = "reading"
_NO_QUERY: Final = "the query is empty"
_UNCLOSED: Final = "its text runs over several lines: a quote is not closed"


def read_truth(
    path: Path,
    *,
    companion: Path | None = None,
    columns: Mapping[Role, str] | None = None,
    known_video: Callable[[str], bool] | None = None,
    step: Step = no_step,
) -> TruthFile:
    """The rows of a truth file.

    `companion` is the qrels of a topics file, or the CSV whose `video_id` column chooses videos of an MSR-VTT JSON.
    `columns` overrules the search for columns; `known_video` says whether a text names a video of the library,
    which helps the search; `step` is told of rows that were read. Raises DrivescopeError for a file that is empty, no
    text, or of no known form.
    """
    file = read_text(path)
    if file.text.lstrip().startswith(("{", "[")):
        return _read_msrvtt_json(file, companion)
    if companion is not None:
        return _read_trec(path, companion)
    table = open_table(file, known_video)
    wide = _bddx_answers(table)
    if wide:
        return _read_bddx_wide(table, wide, step)
    found = find_columns(table, choice=columns, known_video=known_video)
    return _read_table(table, found, step)


# --- tables -------------------------------------------------------------------------------------------


class _Queries:
    """Gives every distinct query one id: the file's own, or a number for each new text."""

    def __init__(self, *, one_a_row: bool) -> None:
        self._one_a_row = one_a_row
        self._by_text: dict[str, str] = {}
        self._texts: dict[str, tuple[str, int]] = {}

    def id_of(self, text: str, row: int) -> str:
        """The number of a text; with one query a row, of the row."""
        key = str(row) if self._one_a_row else text
        return self._by_text.setdefault(key, str(len(self._by_text) + 1))

    def clash(self, query_id: str, text: str, row: int) -> str:
        """Why this id cannot belong to this text, or nothing."""
        known, first = self._texts.setdefault(query_id, (text, row))
        return "" if known == text else f"the query id {query_id} already has another text in row {first}"


def _read_table(table: Table, columns: tuple[Column, ...], step: Step) -> TruthFile:
    at = {column.role: table.header.index(column.name) for column in columns}
    others = [i for i in range(len(table.header)) if i not in at.values()]
    names = {plain_name(name) for name in table.header}
    one_a_row = names >= _MSRVTT_NAMES
    kind = "MSR-VTT CSV" if one_a_row else "BDD-X CSV" if "reason" in at else "CSV"
    queries = _Queries(one_a_row=one_a_row)
    unit = unit_of(next((column.name for column in columns if column.role == "start"), ""))
    rows: list[TruthRow] = []
    rejected: list[RejectedRow] = []
    shared: dict[str, str] = {}  # one string for all rows that hold it: a million rows repeat themselves

    def cell(fields: Sequence[str], role: Role) -> str:
        index = at.get(role)
        text = fields[index].strip() if index is not None and index < len(fields) else ""
        return shared.setdefault(text, text)

    for line, fields in watched(table.rows(), READING, step):
        text = " ".join(part for part in (cell(fields, "query"), cell(fields, "reason")) if part)
        video = cell(fields, "video")
        times = _times(cell(fields, "start"), cell(fields, "end"), unit)
        grade = _grade(cell(fields, "relevance"))
        query_id = cell(fields, "id") or (queries.id_of(text, line) if text else "")
        problem = (
            (_UNCLOSED if "\n" in text or "\n" in video else "")
            or (
                f"it has {len(fields)} of {len(table.header)} columns"
                if len(fields) <= max(at.values())
                else ""
            )
            or ("" if text else _NO_QUERY)
            or ("" if video else "no video is named")
            or (times if isinstance(times, str) else "")
            or (grade if isinstance(grade, str) else "")
            or queries.clash(query_id, text, line)
        )
        if problem or isinstance(times, str) or isinstance(grade, str):
            rejected.append(RejectedRow(line, text, video, problem))
            continue
        properties = tuple(
            shared.setdefault(value, value)
            for value in (fields[i].strip() if i < len(fields) else "" for i in others)
        )
        rows.append(TruthRow(line, query_id, text, video, *times, grade, "", properties))
    return TruthFile(
        table.file.path,
        kind,
        table.file.sha256,
        table.file.encoding,
        tuple(rows),
        tuple(rejected),
        columns,
        tuple(table.header[i] for i in others),
        unit == "frames",
        table.header,
    )


def _times(start: str, end: str, unit: Unit = "s") -> tuple[float | None, float | None] | str:
    """A span in seconds (or frames), no span, or what is wrong with it."""
    if not start and not end:
        return None, None
    first, last = seconds(start), seconds(end)
    if first is None or last is None:
        wrong = f"start “{start}”" if first is None else f"end “{end}”"
        return f"the {wrong} is not a {'frame number' if unit == 'frames' else 'time'}"
    if last < first:
        name = "" if unit == "frames" else f" {unit}"
        return f"the span ends ({last:g}{name}) before it starts ({first:g}{name})"
    if last < 0:
        return "the span lies before the video"
    return (first / 1000, last / 1000) if unit == "ms" else (first, last)


def _grade(text: str) -> int | str:
    """A relevance, 1 where none is given, or what is wrong with it."""
    if not text:
        return 1
    value = seconds(text)
    if value is None or value != int(value):
        return f"the relevance “{text}” is not a whole number"
    return max(int(value), -1)


# --- BDD-X as the annotators left it ------------------------------------------------------------------


def _bddx_answers(table: Table) -> dict[int, dict[str, int]]:
    """Column numbers of each answer's start, end, action and justification, or nothing if it is another table."""
    answers: dict[int, dict[str, int]] = {}
    for index, name in enumerate(table.header):
        found = _BDDX_WIDE.fullmatch(plain_name(name))
        if found:
            answers.setdefault(int(found[1]), {})[found[2]] = index
    return {
        number: parts
        for number, parts in sorted(answers.items())
        if {"start", "end", "action"} <= parts.keys()
    }


def _read_bddx_wide(table: Table, answers: dict[int, dict[str, int]], step: Step) -> TruthFile:
    """Several segments a row: every answer with an action is a query for its span."""
    video_at = next((i for i, name in enumerate(table.header) if "video" in plain_name(name)), None)
    if video_at is None:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, f"{table.file.path} has BDD-X answers but no column that names the video."
        )
    queries = _Queries(one_a_row=False)
    rows: list[TruthRow] = []
    rejected: list[RejectedRow] = []
    for line, fields in watched(table.rows(), READING, step):
        cells = [field.strip() for field in fields] + [""] * (len(table.header) - len(fields))
        for parts in answers.values():
            action = cells[parts["action"]]
            reason = cells[parts["justification"]] if "justification" in parts else ""
            text = " ".join(part for part in (action, reason) if part)
            start, end = cells[parts["start"]], cells[parts["end"]]
            if not text and not start and not end:
                continue
            times = _times(start, end)
            if not text or isinstance(times, str):
                rejected.append(
                    RejectedRow(line, text, cells[video_at], times if isinstance(times, str) else _NO_QUERY)
                )
            else:
                rows.append(TruthRow(line, queries.id_of(text, line), text, cells[video_at], *times))
    columns = (Column("video", table.header[video_at], "name"),)
    file = table.file
    return TruthFile(
        file.path,
        "BDD-X CSV",
        file.sha256,
        file.encoding,
        tuple(rows),
        tuple(rejected),
        columns,
        header=table.header,
    )


# --- MSR-VTT and TREC ---------------------------------------------------------------------------------


def _read_msrvtt_json(file: TextFile, companion: Path | None) -> TruthFile:
    """MSRVTT_data.json: `sentences` of (video_id, caption), each caption a query of its own."""
    try:
        content: Any = json.loads(file.text)
    except (ValueError, RecursionError) as error:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, f"{file.path} is not whole JSON: {_where(error)}."
        ) from error
    sentences = content.get("sentences") if isinstance(content, dict) else None
    if not isinstance(sentences, list):
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"{file.path} has no list “sentences”, so it is not an MSR-VTT annotation file.",
        )
    chosen = _chosen_videos(companion) if companion else None
    splits = {
        str(video.get("video_id")): str(video.get("split", ""))
        for video in _listed(content.get("videos"))
        if isinstance(video, dict)
    }
    rows: list[TruthRow] = []
    rejected: list[RejectedRow] = []
    for number, sentence in enumerate(sentences, start=1):
        video, text = (
            str(sentence.get(key) or "").strip() if isinstance(sentence, dict) else ""
            for key in ("video_id", "caption")
        )
        if not video or not text:
            rejected.append(RejectedRow(number, text, video, _NO_QUERY if video else "no video is named"))
        elif chosen is None or video in chosen:
            rows.append(TruthRow(number, str(number), text, video, properties=(splits.get(video, ""),)))
    return TruthFile(
        file.path, "MSR-VTT JSON", file.sha256, file.encoding, tuple(rows), tuple(rejected), (), ("split",)
    )


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _chosen_videos(path: Path) -> frozenset[str]:
    """The `video_id` column of a split file; a file of one column needs no header."""
    lines = read_text(path).text.splitlines()
    names = [plain_name(name) for name in lines[0].split(",")]
    at = names.index("video_id") if "video_id" in names else 0
    start = 1 if "video_id" in names else 0
    cells = (line.split(",") for line in lines[start:] if line.strip())
    return frozenset(fields[at].strip() for fields in cells if at < len(fields))


def _where(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"something is wrong in line {error.lineno} at character {error.colno}"
    return "it is nested too deeply"


def _read_trec(topics_path: Path, qrels_path: Path) -> TruthFile:
    topics, topics_sha = read_topics(topics_path)
    qrels, qrels_sha = read_qrels(qrels_path)
    rows: list[TruthRow] = []
    rejected: list[RejectedRow] = []
    for row in qrels:
        if row.topic in topics:
            text = topics[row.topic][1]
            rows.append(
                TruthRow(row.line, row.topic, text, row.document, grade=row.grade, stratum=row.stratum)
            )
        else:
            reason = f"the topic {row.topic} is not in {topics_path.name}"
            rejected.append(RejectedRow(row.line, row.topic, row.document, reason))
    judged = {row.topic for row in qrels}
    rejected += [
        RejectedRow(line, text, "", f"the topic {topic} has no judgement in {qrels_path.name}")
        for topic, (line, text) in topics.items()
        if topic not in judged
    ]
    return TruthFile(
        topics_path,
        "TREC topics and qrels",
        f"{topics_sha}+{qrels_sha}",
        "utf-8",
        tuple(rows),
        tuple(rejected),
    )


def queries_of(truth: TruthFile) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(id, text, properties) of every query of the file, in the order of its first row."""
    seen: set[str] = set()
    for row in truth.rows:
        if row.query_id not in seen:
            seen.add(row.query_id)
            yield row.query_id, row.text, dict(zip(truth.property_names, row.properties, strict=False))
