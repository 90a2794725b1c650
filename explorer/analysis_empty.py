"""What the Analyse page shows while no run is open: where the person is, and what to do next."""

from __future__ import annotations

from collections.abc import Callable

from explorer.analysis import Analysis
from explorer.empty_states import EmptyView, Offer

FORMS = (
    "Bring queries whose answers are known: CSV (query, video, start_s, end_s), MSR-VTT, BDD-X or TREC. "
    "You see what is in the file before anything is stored."
)


def choose(
    analysis: Analysis, evaluate: Callable[[], object], import_queries: Callable[[], object]
) -> EmptyView | None:
    """The view that fits; None while a run is open."""
    if analysis.run is not None:
        return None
    if not analysis.ready:
        return EmptyView("library", "No library is open", "Open one on the Explore page first (Ctrl+1).")
    if not analysis.loaded or (analysis.runs and not all(run.problem for run in analysis.runs)):
        return EmptyView("rerank", "Opening…", "Runs and query sets of this library are being read.")
    if analysis.evaluating:
        return EmptyView("rerank", "Evaluating…", "Every clip is being ranked for every query of the set.")
    bring = Offer("Import queries…", "import", import_queries)
    if not analysis.sets:
        return EmptyView("rerank", "How good is search here?", FORMS, (bring,))
    name = next((s.name for s in analysis.sets if s.set_id == analysis.chosen_set), analysis.sets[0].name)
    start = Offer(f"Evaluate “{name}”", "play", evaluate)
    sentence = "Rank every clip for queries whose answers are known, then look at what went wrong and why."
    return EmptyView("rerank", "How good is search here?", sentence, (start, bring))
