"""Comma- and tab-separated files with whatever column names people give them.

The columns that matter are found by their names, and where names say nothing by what stands in them: spans are pairs
of rising numbers, queries are words, videos are names that the library knows.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Final, Literal

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.files import TextFile
from core.evaluate.truth import Column, Role

DELIMITERS: Final = ",\t;|"
NAMES: Final[Mapping[Role, frozenset[str]]] = {
    "id": frozenset({"query_id", "queryid", "qid", "topic", "topic_id", "key", "ret_key"}),
    "query": frozenset(
        {"query", "query_text", "sentence", "caption", "text", "description", "desc", "action", "question"}
    ),
    "reason": frozenset({"justification", "reason", "because"}),
    "video": frozenset(
        {"video", "video_id", "videoid", "vid", "video_name", "video_path", "file", "filename", "file_name"}
        | {"path", "relative_path", "document", "doc", "docid", "input_video", "relative_path_or_glob"}
    ),
    "start": frozenset(
        {"start_s", "start", "start_time", "start_sec", "start_seconds", "begin", "from"}
        | {"start_ms", "start_frame"}
    ),
    "end": frozenset(
        {"end_s", "end", "end_time", "end_sec", "end_seconds", "stop", "to"} | {"end_ms", "end_frame"}
    ),
    "relevance": frozenset({"relevance", "rel", "grade", "judgement", "judgment"}),
}
Unit = Literal["s", "ms", "frames"]
_SAMPLE_ROWS: Final = 200
_GRADES: Final = frozenset({"-1", "0", "1", "2", "3", "4"})
_CLOCK: Final = re.compile(r"(?:(\d+):)?([0-5]?\d):([0-5]?\d(?:\.\d+)?)")
_FILE_LIKE: Final = re.compile(r"\S*\d\S*|\S+\.\w{2,4}")


@dataclass(frozen=True)
class Table:
    """A delimited text file with its header; rows are read anew at each call, so that a huge file costs little."""

    file: TextFile
    delimiter: str
    header: tuple[str, ...]
    has_header: bool

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """(line, fields) of every row after the header that holds anything. Raises DrivescopeError(BAD_INPUT)."""
        rows = _records(self.file, self.delimiter)
        return islice(rows, 1, None) if self.has_header else rows


def open_table(file: TextFile, known_video: Callable[[str], bool] | None = None) -> Table:
    """The table in a text file. Raises DrivescopeError(BAD_INPUT) if it has only one column."""
    delimiter = max(DELIMITERS, key=lambda mark: _agreement(file, mark))
    head = [fields for _, fields in islice(_records(file, delimiter), _SAMPLE_ROWS)]
    if not head or len(head[0]) < 2:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"{file.path} has no columns: a truth file needs at least a query and a video, separated by commas.",
        )
    has_header = _is_header(head, known_video or _never)
    names = head[0] if has_header else [f"column {number}" for number in range(1, len(head[0]) + 1)]
    return Table(file, delimiter, tuple(name.strip() for name in names), has_header)


def _records(file: TextFile, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(file.text, newline=""), delimiter=delimiter, skipinitialspace=True)
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DrivescopeError(
                ErrorKind.BAD_INPUT,
                f"{file.path}, line {reader.line_num}: {error}; look for a quote that is not closed.",
            ) from error
        if any(field.strip() for field in fields):
            yield reader.line_num, fields


def _agreement(file: TextFile, delimiter: str) -> tuple[int, int]:
    """How many of the first lines have as many columns as the first one, if more than one; then how many columns."""
    try:
        widths = [len(fields) for _, fields in islice(_records(file, delimiter), 20)]
    except DrivescopeError:
        return (0, 0)
    return (sum(w == widths[0] for w in widths), widths[0]) if widths and widths[0] > 1 else (0, 0)


def plain_name(name: str) -> str:
    """A column's name for comparison: lower case, every other character an underscore."""
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")


def _is_header(rows: Sequence[Sequence[str]], known_video: Callable[[str], bool]) -> bool:
    """A first row is a header if it holds a known name, or words above columns of numbers or of known videos."""
    first, rest = rows[0], rows[1:]
    if any(plain_name(name) in known for name in first for known in NAMES.values()):
        return True
    for at, name in enumerate(first):
        column = [row[at].strip() for row in rest if at < len(row)]
        for test in (_is_number, known_video):
            if column and all(map(test, column)) and not test(name):
                return True
    return False


def _never(_: str) -> bool:
    return False


# --- which column is which ----------------------------------------------------------------------------


def find_columns(
    table: Table,
    *,
    choice: Mapping[Role, str] | None = None,
    known_video: Callable[[str], bool] | None = None,
) -> tuple[Column, ...]:
    """The role of each column that has one: by the person's `choice`, else by name, else by content.

    Raises DrivescopeError(BAD_INPUT) if no query or no video column can be found, or a chosen one is not there.
    """
    taken: dict[Role, Column] = {}
    for role, name in (choice or {}).items():
        if name not in table.header:
            columns = ", ".join(table.header)
            raise DrivescopeError(
                ErrorKind.BAD_INPUT, f"{table.file.path} has no column “{name}”; it has: {columns}."
            )
        taken[role] = Column(role, name, "choice")
    _by_name(table, taken)
    if not table.has_header or not {"query", "video"} <= taken.keys():
        _by_content(table, taken, known_video or _never)
    for role in ("query", "video"):
        if role not in taken:
            columns = ", ".join(table.header)
            raise DrivescopeError(
                ErrorKind.BAD_INPUT,
                f"{table.file.path}: none of the columns {columns} looks like the {role}; call one “{role}”.",
            )
    return tuple(taken.values())


def _used(taken: Mapping[Role, Column]) -> set[str]:
    return {column.name for column in taken.values()}


def _by_name(table: Table, taken: dict[Role, Column]) -> None:
    for role, known in NAMES.items():
        if role in taken:
            continue
        names = [n for n in table.header if plain_name(n) in known and n not in _used(taken)]
        # of several, the one that is called as the role itself
        names.sort(key=lambda name: plain_name(name) != role)
        if names:
            taken[role] = Column(role, names[0], "name")


def _by_content(table: Table, taken: dict[Role, Column], known_video: Callable[[str], bool]) -> None:
    sample = [fields for _, fields in islice(table.rows(), _SAMPLE_ROWS)]
    values = {
        name: [row[at].strip() for row in sample if at < len(row) and row[at].strip()]
        for at, name in enumerate(table.header)
        if name not in _used(taken)
    }
    values = {name: column for name, column in values.items() if column}

    def take(role: Role, name: str) -> None:
        taken[role] = Column(role, name, "content")
        values.pop(name)

    if "video" not in taken:
        known = {name: _share(column, known_video) for name, column in values.items()}
        alike = {
            name: _share(column, lambda v: bool(_FILE_LIKE.fullmatch(v)) and seconds(v) is None)
            for name, column in values.items()
        }
        best = max(values, key=lambda name: (known[name], alike[name]), default=None)
        if best is not None and (known[best] >= 0.5 or alike[best] >= 0.8):
            take("video", best)
    if "query" not in taken:
        words = {name: sum(len(v.split()) for v in column) / len(column) for name, column in values.items()}
        best = max(
            (n for n in values if _share(values[n], _is_number) < 0.5), key=words.__getitem__, default=None
        )
        if best is not None:
            take("query", best)
    if "start" not in taken and "end" not in taken:
        _take_span(values, take)
    if "relevance" not in taken:
        for name, column in values.items():
            if len(set(column)) > 1 and all(_is_grade(value) for value in column):
                take("relevance", name)
                break


def _take_span(values: dict[str, list[str]], take: Callable[[Role, str], None]) -> None:
    """Two neighbouring columns of times of which the second is never the smaller one."""
    names = list(values)
    for first, second in pairwise(names):
        pairs = [(seconds(a), seconds(b)) for a, b in zip(values[first], values[second], strict=False)]
        whole = [(a, b) for a, b in pairs if a is not None and b is not None]
        rising = sum(a <= b for a, b in whole)
        if len(whole) == len(pairs) and rising >= 0.95 * len(pairs) and any(a < b for a, b in whole):
            take("start", first)
            take("end", second)
            return


def _share(values: Sequence[str], test: Callable[[str], bool]) -> float:
    return sum(map(test, values)) / len(values)


def _is_number(text: str) -> bool:
    return seconds(text) is not None


def _is_grade(text: str) -> bool:
    return text in _GRADES


def unit_of(name: str) -> Unit:
    """What a column of times counts, by the ending of its name; seconds unless it says otherwise."""
    endings: dict[str, Unit] = {"ms": "ms", "frame": "frames"}
    return endings.get(plain_name(name).rsplit("_", 1)[-1], "s")


def seconds(text: str) -> float | None:
    """A time in seconds: `12`, `12.5`, `1:02.5` or `1:00:02`. None for what is no finite time."""
    if ":" in text:
        clock = _CLOCK.fullmatch(text.strip())
        if clock is None:
            return None
        hours, minutes, rest = clock.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(rest)
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None  # neither nan nor infinite
