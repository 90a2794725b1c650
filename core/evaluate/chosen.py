"""Queries of a run that a person chose to be looked at in its report, in the order in which they were chosen.

They lie beside the run as `runs/<id>/chosen.json`, which is no part of the run: its own files are never altered.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.judgements import query_key
from core.evaluate.runs import Run, run_folder
from core.files import write_atomically

FILE: Final = "chosen.json"
_EXAMPLES: Final = 3


def chosen(library_folder: Path, run_id: str) -> tuple[str, ...]:
    """Ids of the chosen queries. Raises DrivescopeError: NOT_FOUND without the run, UNREADABLE for a damaged list."""
    path = run_folder(library_folder, run_id) / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        found = error
    if not (isinstance(found, list) and all(isinstance(one, str) for one in found)):
        raise DrivescopeError(
            ErrorKind.UNREADABLE, f"{path} is no list of chosen queries: remove it and choose again."
        )
    return tuple(found)


def choose(library_folder: Path, run_id: str, query_id: str, *, on: bool) -> tuple[str, ...]:
    """Puts a query on the list or takes it off, and returns the list. Raises DrivescopeError as `chosen` does."""
    left = [one for one in chosen(library_folder, run_id) if one != query_id]
    now = (*left, query_id) if on else tuple(left)
    text = json.dumps(now, ensure_ascii=False)
    write_atomically(
        run_folder(library_folder, run_id) / FILE, lambda path: path.write_text(text, encoding="utf-8")
    )
    return now


def called(run: Run, words: Sequence[str]) -> tuple[str, ...]:
    """Ids of the queries that a person names: each by its id, its text, or a part of its text that no other has.

    Raises DrivescopeError(NOT_FOUND, BAD_INPUT) for one that names none, or several.
    """
    return tuple(dict.fromkeys(_called(run, word) for word in words))


def _called(run: Run, word: str) -> str:
    wanted = query_key(word).casefold()
    texts = {query.query_id: query_key(query.text).casefold() for query in run.queries}
    if word.strip() in texts:
        return word.strip()
    whole = [query_id for query_id, text in texts.items() if text == wanted]
    if whole:
        return whole[0]
    parts = [query_id for query_id, text in texts.items() if wanted and wanted in text]
    if len(parts) == 1:
        return parts[0]
    if not parts:
        raise DrivescopeError(
            ErrorKind.NOT_FOUND,
            f"The run {run.run_id} has no query “{word}”: name it by its number or its text.",
        )
    of_id = {query.query_id: query.text for query in run.queries}
    examples = ", ".join(f"{query_id} “{of_id[query_id]}”" for query_id in parts[:_EXAMPLES])
    raise DrivescopeError(
        ErrorKind.BAD_INPUT,
        f"{len(parts)} queries contain “{word}”, e.g. {examples}: write more of it, or its number.",
    )
