"""TREC's text files: topics, qrels and runs, so that any retrieval system's results can be read and ours given away.

    topics   301 A car turns left at night            or <top> <num> ... <title> ... </top>
    qrels    301 0 dash.mp4#t=8,16 1                  topic, 0, document, grade (-1: pooled but unjudged)
             301 0 dash.mp4#t=8,16 2 1                topic, 0, document, stratum, grade (xinfAP)
    run      301 Q0 dash.mp4#t=8,16 1 0.83 ours       topic, Q0, document, rank, score, name of the run

A line that begins with # is a comment. What a line holds beyond its fields is ignored, as trec_eval does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.files import TextFile, read_text
from core.evaluate.sampled import UNJUDGED
from core.evaluate.ties import IntArray
from core.files import write_atomically

RUN_FIELDS: Final = 6
_TOPIC_LINE: Final = re.compile(r"(?P<id>\S+?)[\s:]+(?P<text>\S.*)")
_SGML_TOPIC: Final = re.compile(
    r"<top>.*?<num>\s*(?:Number:)?\s*(?P<id>[^\s<]+).*?<title>\s*(?:Topic:)?\s*(?P<text>[^<]+?)\s*<", re.S
)


@dataclass(frozen=True, slots=True)
class QrelsRow:
    """One judgement: `grade` above 0 relevant, 0 not, below 0 pooled but unjudged."""

    line: int
    topic: str
    document: str
    grade: int
    stratum: str = ""


@dataclass(frozen=True)
class TrecRanking:
    """One topic of a run: documents best first with scores and lines, and where blocks of equal scores begin."""

    documents: tuple[str, ...]
    scores: tuple[float, ...]
    lines: tuple[int, ...]
    starts: IntArray


@dataclass(frozen=True)
class TrecRun:
    """A system's rankings by topic, in the order in which topics first appear in the file."""

    name: str
    rankings: dict[str, TrecRanking]
    sha256: str


def _fields(file: TextFile) -> Iterator[tuple[int, list[str]]]:
    """The numbered lines that hold something, split at white space."""
    for number, line in enumerate(file.text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.split()


def _wrong(file: TextFile, line: int, what: str) -> DrivescopeError:
    return DrivescopeError(ErrorKind.BAD_INPUT, f"{file.path}, line {line}: {what}.")


def read_qrels(path: Path) -> tuple[list[QrelsRow], str]:
    """All judgements and the file's sha256. Raises DrivescopeError(BAD_INPUT) with the line that is wrong."""
    file = read_text(path)
    rows: list[QrelsRow] = []
    seen: dict[tuple[str, str], int] = {}
    for line, fields in _fields(file):
        if len(fields) < 4:
            raise _wrong(file, line, "a judgement needs four fields: topic, 0, document, relevance")
        stratum = fields[3] if len(fields) >= 5 else ""
        try:
            grade = int(fields[4] if stratum else fields[3])
        except ValueError as error:
            raise _wrong(file, line, f"the relevance “{fields[-1]}” is not a whole number") from error
        first = seen.setdefault((fields[0], fields[2]), line)
        if first != line:
            raise _wrong(file, line, f"topic {fields[0]} judges {fields[2]} again (first in line {first})")
        rows.append(QrelsRow(line, fields[0], fields[2], max(grade, UNJUDGED), stratum))
    return rows, file.sha256


def read_topics(path: Path) -> tuple[dict[str, tuple[int, str]], str]:
    """Line and text of every topic by its id, and the file's sha256.

    One topic a line (id, then text) or TREC's <top> blocks. Raises DrivescopeError(BAD_INPUT) with the line.
    """
    file = read_text(path)
    topics: dict[str, tuple[int, str]] = {}
    for line, name, text in _topics(file):
        if name in topics:
            raise _wrong(file, line, f"topic {name} is there again (first in line {topics[name][0]})")
        topics[name] = (line, text)
    return topics, file.sha256


def _topics(file: TextFile) -> Iterator[tuple[int, str, str]]:
    if "<top>" in file.text:
        for block in _SGML_TOPIC.finditer(file.text):
            line = file.text[: block.start()].count("\n") + 1
            yield line, block["id"], " ".join(block["text"].split())
        return
    for line, text in enumerate(file.text.splitlines(), start=1):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        found = _TOPIC_LINE.fullmatch(text.strip())
        if found is None:
            raise _wrong(file, line, "a topic needs an id and a text after it")
        yield line, found["id"], found["text"]


def read_run(path: Path, *, trec_order: bool = False) -> TrecRun:
    """A foreign system's run.

    Documents are ordered by score, not by the rank field, as trec_eval does. Equal scores make one block; with
    `trec_order` they are put in trec_eval's own order (document ids descending) and make no blocks, which gives
    its numbers. Raises DrivescopeError(BAD_INPUT) with the line that has too few fields, a score that is not a
    finite number, or a document that its topic already has.
    """
    file = read_text(path)
    topics: dict[str, dict[str, tuple[float, int]]] = {}
    name = ""
    for line, fields in _fields(file):
        if len(fields) < RUN_FIELDS:
            raise _wrong(
                file, line, "a ranked document needs six fields: topic, Q0, document, rank, score, name"
            )
        topic, _, document, _, score, name = fields[:RUN_FIELDS]
        documents = topics.setdefault(topic, {})
        if document in documents:
            raise _wrong(file, line, f"topic {topic} ranks {document} a second time")
        documents[document] = (_score(file, line, score), line)
    return TrecRun(name, {topic: _ranked(docs, trec_order) for topic, docs in topics.items()}, file.sha256)


def _score(file: TextFile, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise _wrong(file, line, f"the score “{text}” is not a number") from error
    if not math.isfinite(value):
        raise _wrong(file, line, f"the score is {text}, which orders nothing; remove the line or the run")
    return float(np.float32(value))  # trec_eval's precision, and ours


def _ranked(documents: dict[str, tuple[float, int]], trec_order: bool) -> TrecRanking:
    names = sorted(documents, reverse=True)
    names.sort(key=lambda name: -documents[name][0])
    scores = [documents[name][0] for name in names]
    starts = [i for i in range(len(scores)) if trec_order or i == 0 or scores[i] != scores[i - 1]]
    lines = tuple(documents[name][1] for name in names)
    return TrecRanking(tuple(names), tuple(scores), lines, np.array(starts, np.int64))


def write_run(path: Path, name: str, rankings: Iterable[tuple[str, Iterable[tuple[str, float]]]]) -> None:
    """Writes a run, whole or not at all. Each topic's documents come best first with scores that never rise.

    White space in an id or a name would shift the fields, so it becomes `_`.
    """

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            for topic, documents in rankings:
                for rank, (document, score) in enumerate(documents, start=1):
                    file.write(f"{_word(topic)} Q0 {_word(document)} {rank} {score:.9g} {_word(name)}\n")

    write_atomically(path, write)


def write_qrels(path: Path, judgements: Iterable[tuple[str, str, int]]) -> None:
    """Writes (topic, document, grade) rows as qrels, whole or not at all."""

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            for topic, document, grade in judgements:
                file.write(f"{_word(topic)} 0 {_word(document)} {grade}\n")

    write_atomically(path, write)


def _word(text: str) -> str:
    return "_".join(text.split()) or "_"
