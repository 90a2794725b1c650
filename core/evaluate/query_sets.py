"""Query sets that were imported into a library: a copy of the truth file, and how its spans are matched.

    queries/<id>/set.json    name, kind, files, span rule, counts, when     QuerySetEntry
    queries/<id>/<file>      the truth file and its companion as they came

A set appears in one step when it is complete, like a run; what a crash leaves behind begins with a dot and is
swept away at the next import. Nothing here depends on the place the file came from.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.files import reading_errors
from core.evaluate.matching import Preview
from core.evaluate.runs import new_run_id
from core.evaluate.truth import Role, SpanRule
from core.files import new_folder, remove_folder

QUERY_SETS: Final = "queries"
FORMAT: Final = 1
_FACTS: Final = "set.json"


@dataclass(frozen=True)
class QuerySetEntry:
    """An imported set. `problem` is the sentence for one that cannot be read; its other facts are then empty."""

    set_id: str
    name: str
    kind: str
    file: Path
    companion: Path | None
    rule: SpanRule
    columns: Mapping[Role, str]
    queries: int
    imported: str
    problem: str = ""


def import_query_set(
    library_folder: Path,
    preview: Preview,
    *,
    companion: Path | None = None,
    columns: Mapping[Role, str] | None = None,
    name: str = "",
) -> QuerySetEntry:
    """Keeps copies of a previewed file and its companion, with how it was matched; `columns` are a person's choice.

    Raises DrivescopeError, (BAD_INPUT) for a file none of whose rows means a clip; then nothing is left behind.
    """
    if not preview.queries:
        raise DrivescopeError(ErrorKind.BAD_INPUT, _nothing_matched(preview))
    name = name.strip() or preview.path.stem
    now = datetime.now(UTC)
    with new_folder(library_folder / QUERY_SETS, new_run_id(name, now)) as (unfinished, folder):
        files = {"file": _copy(preview.path, unfinished, "truth")}
        if companion is not None:
            files["companion"] = _copy(companion, unfinished, "companion")
        facts = {
            "format": FORMAT,
            "name": name,
            "kind": preview.kind,
            **files,
            "span_rule": preview.rule.as_dict(),
            "columns": dict(columns or {}),
            "queries": preview.queries,
            "imported": now.isoformat(timespec="seconds"),
            "came_from": str(preview.path),
        }
        (unfinished / _FACTS).write_text(json.dumps(facts, ensure_ascii=False, indent=1), "utf-8")
    return _entry(folder)


def _nothing_matched(preview: Preview) -> str:
    sentence = f"No row of {preview.path} means a clip of this library"
    if not preview.rejected:
        return f"{sentence}: it calls nothing relevant."
    return f"{sentence}; row {preview.rejected[0].row}: {preview.rejected[0].reason}."


def _copy(path: Path, folder: Path, role: str) -> str:
    """Copies a file under a name that no other file of the set has; returns it."""
    name = f"{role}-{path.name}"
    shutil.copyfile(path, folder / name)
    return name


def list_query_sets(library_folder: Path) -> list[QuerySetEntry]:
    """Every imported set, newest first; one that cannot be read is listed with its problem."""
    found = []
    for path in sorted((library_folder / QUERY_SETS).glob(f"[!.]*/{_FACTS}"), reverse=True):
        try:
            found.append(_entry(path.parent))
        except DrivescopeError as error:
            name = path.parent.name
            found.append(QuerySetEntry(name, name, "", path, None, SpanRule(), {}, 0, "", error.sentence))
    return found


def open_query_set(library_folder: Path, set_id: str) -> QuerySetEntry:
    """One set. Raises DrivescopeError: NOT_FOUND, VERSION, or UNREADABLE for one that is damaged."""
    return _entry(_folder_of(library_folder, set_id))


def drop_query_set(library_folder: Path, set_id: str) -> None:
    """Forgets a set; it vanishes in one step. Runs on it keep what they need."""
    remove_folder(_folder_of(library_folder, set_id))


def _folder_of(library_folder: Path, set_id: str) -> Path:
    """A set's folder; an id that is a way out of the folder of sets is no set."""
    folder = library_folder / QUERY_SETS / set_id
    inside = set_id == Path(set_id).name and not set_id.startswith(".")
    if not (inside and (folder / _FACTS).is_file()):
        raise DrivescopeError(
            ErrorKind.NOT_FOUND, f"The library {library_folder} has no query set “{set_id}”: import it again."
        )
    return folder


def _entry(folder: Path) -> QuerySetEntry:
    path = folder / _FACTS
    try:
        with reading_errors(path):
            facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version, rule, companion = facts["format"], facts["span_rule"], facts.get("companion")
        entry = QuerySetEntry(
            set_id=folder.name,
            name=str(facts["name"]),
            kind=str(facts["kind"]),
            file=folder / Path(facts["file"]).name,
            companion=folder / Path(companion).name if companion else None,
            rule=SpanRule(rule["overlap"], float(rule["threshold"])),
            columns=facts.get("columns") or {},
            queries=int(facts["queries"]),
            imported=str(facts["imported"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DrivescopeError(
            ErrorKind.UNREADABLE,
            f"The query set in {folder} is damaged: remove it and import the file again.",
            detail=str(error),
        ) from error
    if version != FORMAT:
        raise DrivescopeError(
            ErrorKind.VERSION,
            f"The query set in {folder} was imported by another version of Drivescope: import the file again.",
        )
    return entry
