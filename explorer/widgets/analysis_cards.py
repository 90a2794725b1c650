"""The numbers of a run on top of the Analyse page: a card a metric, and the weakest slices beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from core.protocol import MetricValue, SliceInfo, Slices
from explorer import formats, theme
from explorer.models.analysis_slices import interval_text, metric_text
from explorer.widgets.flow import Flow
from explorer.widgets.parts import button, empty, label

CARDS: Final = ("R@1", "R@5", "R@10", "MdR", "MnR", "mAP", "nDCG@10", "MRR", "infAP", "xinfAP")
WIDE: Final = 1500
"""From this width on there is room for every card."""
_MEANINGS: Final = {
    "R@1": "Share of queries with a relevant clip at rank 1.",
    "R@5": "Share of queries with a relevant clip among the first 5.",
    "R@10": "Share of queries with a relevant clip among the first 10.",
    "MdR": "Median rank of the best relevant clip; 1 is best.",
    "MnR": "Mean rank of the best relevant clip; 1 is best.",
    "mAP": "Mean average precision: how high all relevant clips stand, 0 to 1.",
    "nDCG@10": "Graded gain among the first 10, against the best possible order, 0 to 1.",
    "MRR": "Mean of 1 / rank of the best relevant clip, 0 to 1.",
    "Success@1": "Share of queries with a relevant clip at rank 1, 0 to 1.",
    "Success@5": "Share of queries with a relevant clip among the first 5, 0 to 1.",
    "Success@10": "Share of queries with a relevant clip among the first 10, 0 to 1.",
    "SumR": "R@1 + R@5 + R@10 + R@100, at most 400.",
    "mIoU": "How well the first clip of a true video meets the true span, on average.",
    "infAP": "Average precision inferred from judgements that are a sample.",
    "xinfAP": "Average precision inferred from a stratified sample of judgements.",
}
LOWER_IS_BETTER: Final = frozenset({"MdR", "MnR"})


def meaning(name: str) -> str:
    """One sentence about a metric; those of moments carry the overlap that counts in their name."""
    head, _, overlap = name.partition("@")
    if head == "R1":
        return f"Share of true videos whose first clip meets the true span with an IoU of {overlap} or more."
    if head == "mAP" and overlap:
        return f"Mean average precision of a video's clips, right from an IoU of {overlap} with the true span on."
    return _MEANINGS.get(name, name)


class MetricCard(QFrame):
    """One metric: value, interval, what reranking changed, and how much of it nobody judged."""

    def __init__(self, value: MetricValue, first: MetricValue | None) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setMinimumWidth(96)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 10, 6)
        column.setSpacing(0)
        head = QHBoxLayout()
        head.addWidget(label(value.name, "section"))
        head.addStretch(1)
        head.addWidget(_unjudged(value))
        column.addLayout(head)
        line = QHBoxLayout()
        line.setSpacing(6)
        number = label(metric_text(value.value, value.unit), "metric")
        number.setToolTip(_tip(value))
        line.addWidget(number)
        line.addWidget(_change(value, first), 0, Qt.AlignmentFlag.AlignBottom)
        line.addStretch(1)
        column.addLayout(line)
        low, high = metric_text(value.low, value.unit), metric_text(value.high, value.unit)
        interval = label(f"{low} – {high}", "caption")
        interval.setToolTip("95 % interval: where the value would lie with other queries of the same kind.")
        column.addWidget(interval)


def _tip(value: MetricValue) -> str:
    lines = [meaning(value.name)]
    if value.optimistic != value.pessimistic:
        best, worst = (metric_text(v, value.unit) for v in (value.optimistic, value.pessimistic))
        lines.append(
            f"Tied scores count by their expected rank; in the luckiest order {best}, in the worst {worst}."
        )
    return "\n".join(lines)


def _unjudged(value: MetricValue) -> QLabel:
    made = label("", "caption")
    if value.unjudged is not None:
        made.setText(f"{value.unjudged:.0%} unj.")
        made.setToolTip(f"{value.unjudged:.0%} of the clips that {value.name} looks at were never judged.")
    return made


def _change(value: MetricValue, first: MetricValue | None) -> QLabel:
    """What reranking did to the metric; nothing where it did nothing."""
    made = label("", "caption")
    if first is None or first.value is None or value.value is None:
        return made
    change = value.value - first.value
    shown = metric_text(abs(change), value.unit)
    if float(shown) == 0:
        return made
    better = (change < 0) == (value.name in LOWER_IS_BETTER)
    made.setText(f"{'▲' if change > 0 else '▼'} {shown}")
    made.setStyleSheet(f"color: {theme.color('up' if better else 'down').name()};")
    made.setToolTip(f"The first stage alone has {metric_text(first.value, value.unit)}.")
    return made


class MetricCards(QWidget):
    """The cards of a run, and its weakest slices.

    Signals:
        slice_chosen(info): a weak slice was clicked.
    """

    slice_chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._values: tuple[Sequence[MetricValue], Sequence[MetricValue]] = ((), ())
        self._row = QHBoxLayout()
        self._row.setSpacing(8)
        self._worst = QWidget()
        self._chips = QWidget()
        self._flow = Flow(self._chips, spacing=6)
        self._title = label("WEAKEST SLICES", "section")
        column = QVBoxLayout(self._worst)
        column.setContentsMargins(8, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._title)
        column.addWidget(self._chips, 1)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(16, 8, 16, 8)
        whole.setSpacing(8)
        whole.addLayout(self._row, 3)
        whole.addWidget(self._worst, 2)
        self.setFixedHeight(92)

    def show_metrics(self, values: Sequence[MetricValue], first: Sequence[MetricValue]) -> None:
        """The cards of a run; `first` are those of its first stage, if it was reranked."""
        self._values = (values, first)
        empty(self._row)
        before = {value.name: value for value in first}
        wide = self.width() >= WIDE
        for value in values:
            if value.name in CARDS and (wide or value.name not in ("MnR", "MRR")):
                self._row.addWidget(MetricCard(value, before.get(value.name)))

    def show_worst(self, slices: Slices | None) -> None:
        """The weakest slices, worst first; None while they are being computed."""
        worst = [slices.slices[place] for place in slices.worst] if slices is not None else []
        self._title.setText(
            "WEAKEST SLICES" if worst or slices is None else "NO SLICE IS WEAKER THAN THE WHOLE"
        )
        self._flow.replace([self._chip(part) for part in worst])

    def retint(self) -> None:
        """The theme changed."""
        self.show_metrics(*self._values)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if (event.oldSize().width() >= WIDE) != (event.size().width() >= WIDE):
            self.retint()

    def _chip(self, part: SliceInfo) -> QWidget:
        value = metric_text(part.result.value, part.result.unit)
        made = button(f"{part.value}  {value}", role="slice", on_click=lambda: self.slice_chosen.emit(part))
        queries = formats.count(part.count, "query", "queries")
        made.setToolTip(
            f"{part.key}: {part.value}, {queries}\n{interval_text(part.result)}\nClick to see them."
        )
        return made
