"""The tab "Metrics" of the Analyse page: every number of a run, both directions, and where in its videos it points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from core.protocol import MetricValue, RunOpened
from explorer.models.analysis_slices import metric_text
from explorer.widgets.analysis_cards import meaning
from explorer.widgets.parts import empty, label, rule, scroll_area

_HEADS: Final = (
    ("", ""),
    ("first stage", "Before reranking"),
    ("value", "Of the last stage, which is what a person sees"),
    ("95 % interval", "Where the value would lie with other queries of the same kind (bootstrap over queries)"),
    ("ties, worst – best", "The value if tied scores stood in the unluckiest and in the luckiest order; "
                           "the value itself takes the expected rank"),
    ("unjudged", "How much of what the metric looks at nobody judged; such clips count as wrong"),
)  # fmt: skip
_BACKWARDS_TIP: Final = "Each clip asks for its own queries among all of them, by the first stage's scores."
_MOMENTS_TIP: Final = (
    "The clips of each video with a true span, as the ranking orders them, against that span."
)


class MetricsPanel(QWidget):
    """All metrics of the run that is open."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout()
        self._lines = 0
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(4)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(12, 10, 12, 12)
        column.addLayout(self._grid)
        column.addStretch(1)
        area = scroll_area(inside)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(area)

    def show_run(self, run: RunOpened | None) -> None:
        """The numbers of a run; None: none is open."""
        empty(self._grid)
        self._lines = 0
        if run is None:
            return
        self._section("TEXT TO VIDEO", "Each query asks for its clips.", run.metrics, run.first_stage)
        self._section("VIDEO TO TEXT, FIRST STAGE", _BACKWARDS_TIP, run.video_to_text)
        self._section("MOMENTS INSIDE THE TRUE VIDEOS", _MOMENTS_TIP, run.moments)

    def _section(
        self, title: str, tip: str, values: Sequence[MetricValue], first: Sequence[MetricValue] = ()
    ) -> None:
        if not values:
            return
        if self._lines:
            self._grid.addWidget(rule(), self._lines, 0, 1, len(_HEADS))
            self._lines += 1
        self._put(0, title, tip, "section")
        told = (
            bool(first),
            True,
            any(value.low is not None for value in values),
            any(value.optimistic is not None for value in values),
            any(value.unjudged is not None for value in values),
        )
        for column, there in enumerate(told, start=1):
            if there:
                self._put(column, *_HEADS[column], "caption")
        self._lines += 1
        before = {value.name: value for value in first}
        for value in values:
            self._value(value, before.get(value.name))

    def _value(self, value: MetricValue, first: MetricValue | None) -> None:
        unit = value.unit
        self._put(0, f"{value.name}, %" if unit == "%" else value.name, meaning(value.name), "secondary")
        if first is not None:
            self._put(1, metric_text(first.value, unit), "", "secondary")
        self._put(2, metric_text(value.value, unit), meaning(value.name), "strong")
        if value.low is not None:
            self._put(3, f"{metric_text(value.low, unit)} – {metric_text(value.high, unit)}", "", "secondary")
        if value.optimistic is not None:
            worst, best = metric_text(value.pessimistic, unit), metric_text(value.optimistic, unit)
            self._put(4, "no ties" if worst == best else f"{worst} – {best}", _HEADS[4][1], "quiet")
        if value.unjudged is not None:
            self._put(5, f"{value.unjudged:.0%}", _HEADS[5][1], "quiet")
        self._lines += 1

    def _put(self, column: int, text: str, tip: str, role: str) -> None:
        made = label(text, role)
        made.setToolTip(tip)
        side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
        self._grid.addWidget(made, self._lines, column, side)
