"""A report on disk: FILE.html for people, FILE.csv (a query a row) and FILE.json (everything) for programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.rankers import Progress
from core.evaluate.report.cases import WORST
from core.evaluate.report.contents import Contents, Exhibit, gather
from core.evaluate.report.evidence import Evidence
from core.evaluate.report.page import page
from core.files import check_target, write_atomically

if TYPE_CHECKING:
    from core.library.library import Library
    from core.models.bundle import ModelBundle


def write_report(
    library: Library,
    bundle: ModelBundle,
    run_id: str,
    out: Path,
    *,
    against: str = "",
    other_library: Path | None = None,
    use_judgements: bool = False,
    cases: int = WORST,
    named: Sequence[str] = (),
    progress: Progress = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[Path]:
    """Writes the report of a run and returns its files, the HTML first. The library and its runs stay as they are.

    Args:
        library: where the run is stored.
        bundle: the one that made the library's vectors; it draws the maps.
        run_id: the run.
        out: an .html file; the others get its name with another ending.
        against: another run to compare with, the baseline.
        other_library: the folder of the library that it is from, if it is another one.
        use_judgements: measure under what people judged since the run was stored.
        cases: how many of the worst queries are looked at.
        named: queries to look at before those, by number or text; then come those chosen in the window.
        progress: is told cases looked at, and all.
        cancelled: is asked before each case and before anything is written.

    Raises:
        DrivescopeError: as `gather` does; BAD_INPUT for a name that does not end in .html; DISK_FULL or
            NO_PERMISSION if a file cannot be written (each is there whole or not at all).
        Cancelled: then nothing is written.

    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise DrivescopeError(ErrorKind.BAD_INPUT, f"{out} must end in .html: a report is a web page.")
    rows, whole = out.with_suffix(".csv"), out.with_suffix(".json")
    for path in (out, rows, whole):
        check_target(path)
    contents = gather(
        library,
        bundle,
        run_id,
        against=against,
        other_library=other_library,
        use_judgements=use_judgements,
        cases=cases,
        named=named,
        progress=progress,
        cancelled=cancelled,
    )
    told = json.dumps(_as_dict(contents), ensure_ascii=False, indent=1, allow_nan=False)
    write_atomically(whole, lambda path: _write_text(path, told))
    write_atomically(rows, lambda path: _write_rows(path, contents))
    write_atomically(out, lambda path: _write_text(path, page(contents)))
    return [out, rows, whole]


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _write_rows(path: Path, contents: Contents) -> None:
    names = list(asdict(contents.rows[0])) if contents.rows else []
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*names, "top", "truth", "judged", "tags", "notes"])
        for row in contents.rows:
            said = contents.judged.get(row.query_id, ())
            writer.writerow(
                [
                    *map(_cell, asdict(row).values()),
                    contents.documents.get(row.top_clip or -1, ""),
                    contents.documents.get(row.truth_clip or -1, ""),
                    "; ".join(f"{one.clip_id} {one.verdict.value}" for one in said),
                    "; ".join(dict.fromkeys(tag for one in said for tag in one.tags)),
                    _cell("; ".join(one.note for one in said if one.note)),
                ]
            )


def _cell(value: object) -> object:
    """A text that a spreadsheet would take for a formula gets a quote before it."""
    return (
        f"'{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
    )


def _as_dict(contents: Contents) -> dict[str, Any]:
    compared = contents.comparison
    return {
        "run": {"run_id": contents.run.run_id, **contents.run.facts},
        "against": contents.against.run_id if contents.against else None,
        "judgements_used": contents.judgements_used,
        "written": contents.written,
        "slices": [part.as_dict() for part in contents.slices],
        "worst_slices": [part.as_dict() for part in contents.worst],
        "matching": list(contents.matching),
        "comparison": compared.as_dict(len(compared.pairs)) if compared else None,
        "reranking": contents.hurt.as_dict(len(contents.hurt.pairs)) if contents.hurt else None,
        "queries": [row.as_dict() for row in contents.rows],
        "cases": [_case(exhibit) for exhibit in contents.exhibits],
        "judgements": [
            {**asdict(one), "verdict": one.verdict.value} for said in contents.judged.values() for one in said
        ],
        "unmatched": [dict(row) for row in contents.run.rejected],
    }


def _case(exhibit: Exhibit) -> dict[str, Any]:
    case = exhibit.case
    return {
        "query_id": case.row.query_id,
        "query": case.row.text,
        "why": case.why,
        "truth": _clip(exhibit.truth) | {"rank": case.truth_rank},
        "rank_1": _clip(exhibit.top) if exhibit.top else None,
    }


def _clip(evidence: Evidence) -> dict[str, Any]:
    return {
        "clip_id": evidence.clip_id,
        "video": evidence.video,
        "start_s": evidence.start_s,
        "end_s": evidence.end_s,
        "frames_s": [round(frame.time_s, 3) for frame in evidence.frames],
        "reliable": [frame.reliable for frame in evidence.frames if frame.heat is not None],
        "explanation": evidence.anatomy.as_dict() if evidence.anatomy else None,
        "lacks": evidence.lacks,
    }
