"""The tab "Play": how the clip got its rank and where it lies."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout

from core.protocol import Hit, LibraryInfo
from explorer import formats, theme
from explorer.widgets.inspector_page import InspectorPage
from explorer.widgets.parts import ElidedLabel, label, rule, tool

_STAGE_TIPS = {
    "first": "The distilled student compares one vector per clip with the query: cosine, from -1 to 1.",
    "rerank": "X-CLIP compares the video, its frames, the sentence and its words; the four similarities' mean.",
    "percentile": "The share of the searched clips that score no higher than this one.",
}


class PlayPage(InspectorPage):
    """Facts that came with the hit; nothing is asked of the engine."""

    def __init__(self) -> None:
        super().__init__()
        self._paths: dict[int, str] = {}
        self._first_rank = label("", "strong")
        self._first_score = label("", "secondary")
        self._second_rank = label("", "strong")
        self._second_score = label("", "secondary")
        self._change = label("", "strong")
        self._share = label("", "secondary", wrap=True)
        self._path = ElidedLabel("", "secondary")
        self._span = label("", "secondary")
        self._lay_out()

    def show_library(self, library: LibraryInfo | None, *, demo: bool = False) -> None:
        """Where the library's videos lie; of the demo, which lies with the program, only the names."""
        videos = library.videos if library is not None else ()
        self._paths = {video.video_id: video.name if demo else video.path for video in videos}
        self.fill()

    def show_subject(self, query: str, hit: Hit | None) -> None:
        super().show_subject(query, hit)
        self.fill()  # the rank may be new

    def fill(self) -> None:
        hit = self.hit
        if hit is None:
            return
        self._show_scores(hit)
        self._path.setText(self._paths.get(hit.video_id, hit.video))
        length_s = hit.end_s - hit.start_s
        start, end = formats.exact_clock(hit.start_s), formats.exact_clock(hit.end_s)
        self._span.setText(f"{start} – {end}  ({length_s:.2f} s)")

    def retint(self) -> None:
        self.fill()

    def _show_scores(self, hit: Hit) -> None:
        self._first_rank.setText(f"rank {hit.first_rank}")
        self._first_score.setText(f"cosine {hit.score:.3f}")
        reranked = hit.rerank_score is not None
        self._second_rank.setText(f"rank {hit.rank}" if reranked else "not reranked")
        self._second_score.setText(f"X-CLIP {hit.rerank_score:.3f}" if reranked else "")
        change = formats.rank_change(hit.first_rank, hit.rank) if reranked else 0
        mark = f"▲ {change}" if change > 0 else f"▼ {-change}" if change < 0 else "same" if reranked else ""
        self._change.setText(mark)
        tint = "up" if change > 0 else "down" if change < 0 else "text_3"
        self._change.setStyleSheet(f"color: {theme.color(tint).name()};")
        share = formats.percentile(hit.percentile)
        best = "No searched clip scores higher."
        self._share.setText(
            best if hit.percentile >= 100 else f"{share} of the searched clips score no higher."
        )

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(label("WHY THIS RANK", "section"))
        column.addLayout(self._lay_out_scores())
        self._share.setToolTip(_STAGE_TIPS["percentile"])
        column.addWidget(self._share)
        column.addSpacing(4)
        column.addWidget(rule())
        column.addSpacing(4)
        column.addWidget(label("FILE", "section"))
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self._path, 1)
        row.addWidget(tool("copy", "Copy the file's path", self._copy_path))
        column.addLayout(row)
        column.addSpacing(-8)
        span_row = QHBoxLayout()
        span_row.setSpacing(4)
        span_row.addWidget(self._span, 1)
        span_row.addWidget(tool("copy", "Copy the span in seconds", self._copy_span))
        column.addLayout(span_row)
        column.addStretch(1)

    def _lay_out_scores(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        rows = (
            ("First stage", "first", (self._first_rank, self._first_score)),
            ("Rerank", "rerank", (self._second_rank, self._second_score, self._change)),
        )
        for line, (name, tip, parts) in enumerate(rows):
            for place, part in enumerate((label(name, "secondary"), *parts)):
                part.setToolTip(_STAGE_TIPS[tip])
                grid.addWidget(part, line, place)
        grid.setColumnStretch(3, 1)
        return grid

    def _copy_path(self) -> None:
        if self.hit is not None:
            QGuiApplication.clipboard().setText(self._paths.get(self.hit.video_id, self.hit.video))
            self.said.emit("info", "The file's path is in the clipboard.")

    def _copy_span(self) -> None:
        if self.hit is not None:
            QGuiApplication.clipboard().setText(f"{self.hit.start_s:.3f},{self.hit.end_s:.3f}")
            self.said.emit("info", "The span is in the clipboard, in seconds.")
