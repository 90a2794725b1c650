"""What a person sees of a command in a terminal: progress on standard error, answers on standard output."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from core.library.ingest import IngestProgress


LEAST_SHOWN: Final = 10
"""Slices of fewer queries are told by `--json` only."""


class ProgressLine:
    """One line on a terminal that tells how far, how fast and how long; silent where nobody watches."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._live = sys.stderr.isatty()
        self._last = 0.0

    def __call__(self, step: IngestProgress) -> None:
        """Show a step of an ingest."""
        left = f", {duration(step.eta_s)} left" if step.eta_s >= 0 else ""
        self._write(
            f"{step.done:.0f} of {step.total:.0f} clips, {step.rate:.1f} a second, "
            f"{step.realtime:.0f}x real time{left}  {step.detail}",
            step.done / max(step.total, 1),
        )

    def bytes(self, done: float, total: float, rate: float) -> None:
        """Show a step of a download."""
        left = f", {duration((total - done) / rate)} left" if rate > 0 else ""
        self._write(
            f"{done / 1e6:.1f} of {total / 1e6:.1f} MB, {rate / 1e6:.1f} MB/s{left}", done / max(total, 1)
        )

    def queries(self, done: int, total: int) -> None:
        """Show a step of an evaluation."""
        self._write(f"{done} of {total} queries", done / max(total, 1))

    def say(self, text: str) -> None:
        """Show a sentence."""
        self._write(text, None)

    def share(self, text: str, share: float) -> None:
        """Show what is being done and how much of it is done (0-1)."""
        self._write(f"{text} {share:.0%}", share)

    def steps(self, text: str, done: int, total: int) -> None:
        """Show a step of a training."""
        self._write(text, done / max(total, 1))

    def warn(self, sentences: Sequence[str]) -> None:
        """Leave sentences on standard error that a person should read before going on, watching or not."""
        for sentence in sentences:
            print(sentence, file=sys.stderr)

    def end(self) -> None:
        """Leave the line."""
        if self._live and self._last:
            print(file=sys.stderr)

    def _write(self, text: str, share: float | None) -> None:
        now = time.monotonic()
        if not self._live or (now - self._last < 0.1 and share is not None and share < 1):
            return
        self._last = now
        filled = "" if share is None else "█" * round(20 * share) + "░" * (20 - round(20 * share)) + " "
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
        print(f"\r\x1b[K{self._title} {filled}{text}"[: columns + 3], end="", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Seconds as a person says them: 75 is "1 min 15 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def show_index(answer: dict[str, Any]) -> None:
    """The outcome of an ingest in words."""
    speed = answer["video_seconds"] / answer["seconds"] if answer["seconds"] > 0 else 0.0
    print(
        f"{answer['videos']} videos, {answer['clips']} clips ({answer['added']} new) in "
        f"{duration(answer['seconds'])}, {speed:.0f}x real time; bundle {answer['bundle']} on {answer['device']}."
    )
    for failure in answer["failed"]:
        print(f"  not indexed: {failure['path']}: {failure['reason']}")
    for path in answer["missing"]:
        print(f"  gone, kept in the library (--drop-missing forgets it): {path}")


def show_search(answer: dict[str, Any]) -> None:
    """The ranking as a table."""
    for note in answer["notes"]:
        print(note)
    if answer["without"]:
        print(f"without: {', '.join(answer['without'])}")
    if answer["learned"]:
        relevant, rest = (len(answer["learned"][name]) for name in ("relevant", "not_relevant"))
        print(f"learned from {relevant} judged relevant, {rest} not")
    if any(hit["rank"] > (answer["likely"] or hit["rank"]) for hit in answer["hits"]):
        print(f"past rank {answer['likely']}: probably no match")
    print(f"{'rank':>4} {'first':>5} {'pct':>6} {'score':>7}  clip")
    for hit in answer["hits"]:
        score = hit["score"] if hit["rerank_score"] is None else hit["rerank_score"]
        span = f"{hit['start_s']:.1f}-{hit['end_s']:.1f} s"
        print(
            f"{hit['rank']:>4} {hit['first_rank']:>5} {hit['percentile']:>6.1f} {score:>7.4f}  {hit['video']}  {span}"
        )
    timings = ", ".join(f"{name} {ms:.1f} ms" for name, ms in answer["timings_ms"].items())
    print(f"{answer['searched_clips']} clips searched with {answer['bundle']}: {timings}")
    if "saved" in answer:
        count = len(answer["saved"])
        print(
            f"{count} clips saved in {answer['saved_in']}" + (", with their list, clips.csv" if count else "")
        )
        for failure in answer["failed"]:
            print(f"  not saved: {failure['reason']}")


def show_evaluate(answer: dict[str, Any]) -> None:
    """The metrics as a table, with their intervals; or the preview of a file."""
    if "metrics" not in answer:
        _show_preview(answer)
        return
    _show_metrics(answer["metrics"], answer["first_stage"] or {})
    _show_beside(answer)
    for part in answer["worst_slices"]:
        result = f"{part['metric']} {part['result']['value']:.4g}"
        print(f"worst slice: {result} where {part['property']} is {part['value']} ({part['count']} queries)")
    for note in answer["notes"]:
        print(note)
    for row in answer["unmatched"][:10]:
        print(f"  row {row['row']}: {row['reason']}")
    print(f"{answer['queries']} queries, {answer['clips']} clips; the run is stored in {answer['folder']}")


def _show_beside(answer: dict[str, Any]) -> None:
    """The other direction, and where inside the true videos the ranking points, as far as the run has them."""
    if moments := answer.get("moments"):
        between = answer.get("moment_intervals") or {}
        parts = []
        for name in ("R1@0.3", "R1@0.5", "R1@0.7", "mIoU", "mAP"):
            ends = " ({:.4g} to {:.4g})".format(*between[name]) if name in between else ""
            parts.append(f"{name} {moments[name]:.4g}{ends}")
        print(f"moments in the true videos, %: {', '.join(parts)}")
    if backwards := answer.get("video_to_text"):
        values = ", ".join(f"{name} {found['value']:.4g}" for name, found in backwards.items())
        print(f"video to text, first stage: {values}")


def _show_metrics(metrics: dict[str, Any], before: dict[str, Any]) -> None:
    """The last stage's metrics, beside those of the first stage if there is one; what ties leave open below."""
    first = f" {'first stage':>11}" if before else ""
    print(f"{'metric':<12} {'value':>8}  {'95 % interval':<18}{first}  unjudged")
    tied = {name: m for name, m in metrics.items() if m.get("optimistic") != m.get("pessimistic")}
    for name, found in metrics.items():
        between = "" if found["low"] is None else f"{found['low']:.4g} to {found['high']:.4g}"
        first = f" {before[name]['value']:>11.4g}" if before else ""
        unit = " %" if found["unit"] == "%" else ""
        told = f"{found['unjudged']:.0%} of {found['unjudged_depth']}" if "unjudged_depth" in found else ""
        print(f"{name + unit:<12} {found['value']:>8.4g}  {between:<18}{first}  {told}".rstrip())
    if tied:
        parts = (f"{name} {m['pessimistic']:.4g} to {m['optimistic']:.4g}" for name, m in tied.items())
        print(f"tied scores count by their expected rank; in the worst and best order: {', '.join(parts)}")


def _show_preview(answer: dict[str, Any]) -> None:
    """How a truth file would be read."""
    print(f"{answer['kind']}, {answer['encoding']}: {answer['rows']} rows, {answer['queries']} queries")
    for role, column in answer["columns"].items():
        print(f"  {role:<10} {column['name']}  (found by its {column['found_by']})")
    for name in answer["property_names"]:
        print(f"  {'property':<10} {name}")
    for row in answer["first_rows"][:5]:
        span = "" if row["start_s"] is None else f"  {row['start_s']:g}-{row['end_s']:g}"
        print(f"row {row['row']}: {row['query']}  ->  {row['video']}{span}, relevance {row['relevance']}")
    rule = f"{answer['span_rule']['overlap']} {answer['span_rule']['threshold']:g}"
    print(f"{answer['matched_rows']} rows mean a clip ({rule}), {answer['unmatched_rows']} do not")
    for row in answer["rejected"][:10]:
        print(f"  row {row['row']}: {row['reason']}")


def show_report(answer: dict[str, Any]) -> None:
    """Where the report lies."""
    print(f"The report of {answer['run']} is in {answer['files'][0]}")
    for path in answer["files"][1:]:
        print(f"  beside it: {path}")


def show_judge(answer: dict[str, Any]) -> None:
    """What holds, a judgement a line."""
    for one in answer["judgements"]:
        tags = f"  [{', '.join(one['tags'])}]" if one["tags"] else ""
        note = f"  {one['note']}" if one["note"] else ""
        print(
            f"{one['verdict']:<9} clip {one['clip_id']:<6} {one['query']}{tags}{note}  ({one['author']}, {one['made']})"
        )
    if not answer["judgements"]:
        print("nobody has judged anything in this library")


def show_runs(answer: dict[str, Any]) -> None:
    """A list of runs, the slices of one, the queries of a slice, or the differences between two."""
    if "slice" in answer:
        _show_slice(answer)
        return
    for facts in answer.get("runs", ()):
        counts = facts.get("counts", {})
        told = (
            facts.get("damaged") or f"{facts['name']}, {counts['queries']} queries, {counts['clips']} clips"
        )
        print(f"{facts['run_id']:<40} {told}")
    if "run" in answer:
        stages = list(answer["run"]["metrics"].values())
        _show_metrics(stages[-1], stages[0] if len(stages) > 1 else {})
        _show_beside(answer["run"])
    for part in answer.get("slices", ()):
        if part["count"] < LEAST_SHOWN:
            continue
        result = part["result"]
        print(
            f"{part['property'] + ' = ' + part['value']:<40} {part['count']:>6} queries  {part['metric']} "
            f"{result['value']:>7.4g}  ({result['low']:.4g} to {result['high']:.4g})"
        )
    compared = answer.get("reranking") or (answer if "wins" in answer else None)
    if compared:
        print(f"{'metric':<12} {'a':>8} {'b':>8} {'b - a':>8}  {'95 % interval':<22} p-value")
        for name, found in compared["metrics"].items():
            between = f"{found['low']:.4g} to {found['high']:.4g}"
            p_value = "" if found["p_value"] is None else f"{found['p_value']:.4f}"
            print(
                f"{name:<12} {found['a']:>8.4g} {found['b']:>8.4g} {found['difference']:>8.4g}  {between:<22} {p_value}"
            )
        for line in compared.get("matching", ()):
            print(line)
        print(f"{compared['wins']} queries better, {compared['losses']} worse, {compared['draws']} as before")
        for pair in compared["worst"][:10]:
            print(f"  rank {pair['rank_a']:g} became {pair['rank_b']:g}: {pair['text']}")


def show_distill(answer: dict[str, Any]) -> None:
    """The figures of test, the gains, and what can be done with the bundle."""
    print(f"Test captions, split {answer['split']}, with 95 % intervals:")
    for system, found in answer["test"].items():
        told = (f"{name} {v['value']:.3g} ({v['low']:.3g} to {v['high']:.3g})" for name, v in found.items())
        print(f"  {system:<28} {'  '.join(told)}")
    for gain in answer["gains"]:
        told = (
            f"{name} {v['difference']:+.3g} ({v['low']:+.3g} to {v['high']:+.3g}, p {v['p_value']:.3g})"
            for name, v in gain["metrics"].items()
        )
        print(f"{gain['new']} against {gain['old']}, split {answer['split']}: {'  '.join(told)}")
    for phase, step in answer["chosen_step"].items():
        if step == 0:
            print(f"Training made the {phase} no better on val, so it is as it began.")
    print(f"The report with curves, best and worst queries is {answer['report']}")
    print(f"Index with it: drivescope index PATH --library NEW --bundle {answer['bundle']}")
    if answer["switchable"] and answer["library"] != "demo":
        print(
            "Its towers are the library's own, so this library goes over to it without its footage: "
            f"drivescope switch --library {answer['library']} --bundle {answer['bundle']}"
        )


def _show_slice(answer: dict[str, Any]) -> None:
    """One slice's metric and its queries."""
    part, result = answer["slice"], answer["slice"]["result"]
    print(
        f"{part['metric']} {result['value']:.4g} ({result['low']:.4g} to {result['high']:.4g}) over "
        f"{part['count']} queries whose {part['property']} is {part['value']}"
    )
    print(f"{'rank':>6} {'first':>6} {'truth':>7} {'rank 1':>7}  query")
    for row in answer["queries"]:
        truth, top = (row[key] if row[key] is not None else "-" for key in ("truth_clip", "top_clip"))
        print(f"{row['rank']:>6g} {row['first_rank']:>6g} {truth:>7} {top:>7}  {row['text']}")


def show_explain(answer: dict[str, Any]) -> None:
    """The maps as a table."""
    print(f"{'time':>9} {'method':<10} {'cosine':>7} {'faithful':>9} {'luck':>7}  file")
    for entry in answer["maps"]:
        note = "" if entry["reliable"] else "  (unreliable)"
        print(
            f"{entry['time_s']:>7.2f} s {entry['method']:<10} {entry['score']:>7.4f} {entry['faithfulness']:>9.4f} "
            f"{entry['control']:>7.4f}  {entry['file']}{note}"
        )


def show_moments(answer: dict[str, Any]) -> None:
    """The moments of one video as a table."""
    print(f"{answer['video']}  ({answer['duration_s']:.1f} s, asked for a {answer['scope']})")
    print(f"{'rank':>4} {'from':>9} {'to':>9} {'score':>7} {'salience':>9} {'peak':>9}")
    for rank, moment in enumerate(answer["moments"], start=1):
        print(
            f"{rank:>4} {moment['start_s']:>7.2f} s {moment['end_s']:>7.2f} s {moment['score']:>7.2f} "
            f"{moment['salience']:>9.2f} {moment['peak_s']:>7.2f} s"
        )


def show_plain(answer: dict[str, Any]) -> None:
    """Any answer, indented."""
    print(json.dumps(answer, indent=2, ensure_ascii=False))


def show_models(answer: dict[str, Any]) -> None:
    """The bundles as a table."""
    for row in answer["models"]:
        here = "here" if row["present"] else "-"
        speed = f"{row['relative_speed']:.2f}x" if row["relative_speed"] else "-"
        print(
            f"{row['name']:<28} {here:<5} {row['parameters_m']:>6.0f} M {row['input_size']:>8} {speed:>6}  "
            f"{row['licence']:<14} {row['title']}"
        )
    print("`drivescope models get NAME` downloads one; `--from FILE` imports a file that you have.")
