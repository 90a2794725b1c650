"""The tab "Moments": the whole video as a curve, the best moments as chips, a span of one's own."""

from __future__ import annotations

from html import escape
from typing import Final

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from core.protocol import Hit, MomentInfo, Moments
from explorer import formats
from explorer.models.moments import VideoMoments
from explorer.widgets.flow import Flow
from explorer.widgets.inspector_page import InspectorPage
from explorer.widgets.moments_curve import SHOWN_MOMENTS, MomentsCurve
from explorer.widgets.parts import button, label

_SCOPES: Final = {
    "state": "The query describes a state, so moments may last.",
    "happening": "The query names one happening, so moments of a few seconds come first.",
    "story": "The query tells of several things, so moments long enough for all of them come first.",
}
_SCOPE_TIP: Final = (
    "How long an answer should last is read from the query's words; it is part of every moment's score."
)
_CURVE_TIP: Final = (
    "The curve says how much each time of the video has of the query; shaded columns are events, the tinted one is"
    " this clip, numbered bars are the best moments."
)
_CHIP_TIP: Final = "salience {:+.1f}: the curve's mean inside, in standard deviations above the video's mean."
_SPAN_TIP: Final = (
    "Scored by the same rule as the moments; the share says how many other spans do not score higher."
)


class MomentsPage(InspectorPage):
    """Where in the whole video of the clip the query is answered."""

    def __init__(self, moments: VideoMoments) -> None:
        super().__init__()
        self.moments = moments
        self.curve = MomentsCurve(moments)
        self.chips: list[QPushButton] = []
        self._sentence = label("", "", wrap=True)
        self._scope = label("", "quiet", wrap=True)
        self._scope.setToolTip(_SCOPE_TIP)
        self._legend = label("Click goes there. Drag scores a span.", "quiet", wrap=True)
        self._legend.setToolTip(_CURVE_TIP)
        self._chips = QWidget()
        self._flow = Flow(self._chips, spacing=6)
        self.span = label("", "", wrap=True)
        self.span.setToolTip(_SPAN_TIP)
        self._clear = button("Clear", role="link", on_click=moments.clear_span)
        self._clear.setToolTip("Forget the chosen span")
        self._shown: tuple[MomentInfo, ...] = ()
        self._lay_out()
        moments.changed.connect(self._show)
        moments.span_changed.connect(self._show_span)
        self.curve.time_chosen.connect(self.time_chosen)
        self.curve.span_chosen.connect(moments.score)
        self._show()
        self._show_span()

    # --- the subject ---------------------------------------------------------------------------------

    def show_subject(self, query: str, hit: Hit | None) -> None:
        super().show_subject(query, hit)
        if hit is None:
            self.moments.take_up(query, None)

    def fill(self) -> None:
        self.moments.take_up(self.query, self.hit)

    def reload(self) -> None:
        self.moments.take_up("", None)
        super().reload()

    def drop(self) -> None:
        self.moments.drop()

    @property
    def ready(self) -> bool:
        return not self.moments.busy

    def show_time(self, time_s: float) -> None:
        self.curve.show_time(time_s)

    def retint(self) -> None:
        self.curve.update()

    def report(self) -> str:
        found = self.moments.found
        if found is None or not found.moments:
            return ""
        rows = "".join(
            f"<tr><td>{place}</td><td>{formats.exact_clock(one.start_s)} – {formats.exact_clock(one.end_s)}</td>"
            f"<td>{one.score:.2f}</td><td>{one.salience:+.1f}</td></tr>"
            for place, one in enumerate(found.moments, start=1)
        )
        return (
            f"<h2>Moments</h2><p class='lead'>{escape(_summary(found.moments, found.duration_s))}</p>"
            f"<p>{escape(_SCOPES[found.scope])} Salience is the mean of the curve inside, in standard deviations above"
            f" the video's mean.</p>{_drawing(found)}"
            f"<table><tr><th>Rank</th><th>Span</th><th>Score</th><th>Salience</th></tr>{rows}</table>"
        )

    # --- what is shown -------------------------------------------------------------------------------

    def _show(self) -> None:
        found = self.moments.found
        for part in (self.curve, self._legend, self._scope, self._chips):
            part.setVisible(found is not None)
        if found is None:
            waiting = "Looking through the video…" if self.moments.busy else ""
            unasked = "" if self.moments.query else "Search for something to see where this video has it."
            self._sentence.setText(self.moments.sentence or waiting or unasked)
        else:
            self._sentence.setText(_summary(found.moments, found.duration_s))
            self._scope.setText(_SCOPES[found.scope])
        self._show_chips(found.moments[:SHOWN_MOMENTS] if found is not None else ())
        self.curve.update()

    def _show_chips(self, moments: tuple[MomentInfo, ...]) -> None:
        if moments == self._shown:
            return
        self._shown = moments
        self.chips = [self._chip(place, moment) for place, moment in enumerate(moments)]
        self._flow.replace(self.chips)

    def _chip(self, place: int, moment: MomentInfo) -> QPushButton:
        text = f"{place + 1}  {formats.span(moment.start_s, moment.end_s)}"
        made = button(text, role="chip", on_click=lambda: self.time_chosen.emit(moment.start_s))
        tip = f"Go to {formats.exact_clock(moment.start_s)}; {_CHIP_TIP.format(moment.salience)}"
        made.setToolTip(tip)
        made.setAccessibleName(f"Moment {text}")
        return made

    def _show_span(self) -> None:
        span, scored = self.moments.span, self.moments.scored
        for part in (self.span, self._clear):
            part.setVisible(span is not None)
        if span is not None:
            said = "scoring…"
            if scored is not None:
                span = (scored.moment.start_s, scored.moment.end_s)
                share = formats.percentile(100 * scored.share)
                said = f"score {scored.moment.score:.2f}, as high as {share} of the spans looked at"
            start, end = (formats.exact_clock(time_s) for time_s in span)
            self.span.setText(f"{start} – {end}: {said}.")
        self.curve.update()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(8)
        column.addWidget(self._sentence)
        column.addWidget(self.curve)
        row = QHBoxLayout()  # right below the curve: at 1366x768 it is in sight without scrolling
        row.setSpacing(8)
        row.addWidget(self.span, 1)
        row.addWidget(self._clear)
        column.addLayout(row)
        column.addWidget(self._chips)
        column.addWidget(self._scope)
        column.addWidget(self._legend)
        column.addStretch(1)


def _summary(moments: tuple[MomentInfo, ...], duration_s: float) -> str:
    """The answer in one sentence."""
    if not moments:
        return "Nothing in this video stands out for the query."
    best = moments[0]
    place = f"{formats.exact_clock(best.start_s)} to {formats.exact_clock(best.end_s)}"
    return f"Best from {place}, in {formats.footage(duration_s)} of video."


def _drawing(found: Moments) -> str:
    """The curve as a small vector picture, the shown moments as bars above it."""
    low, high = min(found.curve), max(found.curve)
    across, up = 640 / max(found.duration_s, 1e-9), 90 / max(high - low, 1e-9)
    middles = ((start_s + end_s) / 2 for start_s, end_s in zip(found.starts_s, found.ends_s, strict=True))
    points = " ".join(
        f"{middle_s * across:.1f},{108 - (value - low) * up:.1f}"
        for middle_s, value in zip(middles, found.curve, strict=True)
    )
    bars = "".join(
        f"<rect x='{one.start_s * across:.1f}' y='4' width='{(one.end_s - one.start_s) * across:.1f}' height='5'/>"
        for one in found.moments[:SHOWN_MOMENTS]
    )
    return (
        "<svg viewBox='0 0 640 112' width='640' role='img' aria-label='Salience over the video' fill='currentColor'>"
        f"{bars}<polyline points='{points}' fill='none' stroke='currentColor' stroke-width='1.5'/></svg>"
    )
