"""The right panel: one clip in full. Player, keyframes, how it got its rank, where it lies."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from core.protocol import Hit, LibraryInfo
from explorer import formats, icons, theme
from explorer.models.frames import Frames
from explorer.models.thumbnails import Thumbnails, tile_rect
from explorer.settings import Settings
from explorer.widgets.keyframe_strip import KeyframeStrip
from explorer.widgets.parts import ElidedLabel, label, rule, tool
from explorer.widgets.player import Player

_STAGE_TIPS = {
    "first": "The distilled student compares one vector per clip with the query: cosine, from -1 to 1.",
    "rerank": "X-CLIP compares the video, its frames, the sentence and its words; the four similarities' mean.",
    "percentile": "The share of the searched clips that score no higher than this one.",
}


class Inspector(QScrollArea):
    """Shows one hit.

    Signals:
        copied(what): something went to the clipboard.
    """

    copied = Signal(str)

    def __init__(self, frames: Frames, thumbnails: Thumbnails, settings: Settings) -> None:
        super().__init__()
        self.setObjectName("inspector")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._settings = settings
        self._thumbnails = thumbnails
        self._hit: Hit | None = None
        self._paths: dict[int, str] = {}
        self.player = Player(frames)
        self.strip = KeyframeStrip(thumbnails)
        self._title = ElidedLabel("", "title")
        self._place = label("", "secondary", wrap=True)
        self._details = QWidget()
        self._nothing = QWidget()
        self._nothing_icon = QLabel()
        self._first_rank = label("", "strong")
        self._first_score = label("", "secondary")
        self._second_rank = label("", "strong")
        self._second_score = label("", "secondary")
        self._change = label("", "strong")
        self._share = label("", "secondary", wrap=True)
        self._path = ElidedLabel("", "secondary")
        self._span = label("", "secondary")
        self._lay_out()
        self.strip.time_chosen.connect(self._on_time_chosen)
        self.player.time_changed.connect(self.strip.show_time)
        self.show_hit(None)

    def show_library(self, library: LibraryInfo | None, *, demo: bool = False) -> None:
        """Where the library's videos lie; of the demo, which lies with the program, only the names."""
        videos = library.videos if library is not None else ()
        self._paths = {video.video_id: video.name if demo else video.path for video in videos}

    def show_hit(self, hit: Hit | None) -> None:
        """Take up a clip. The same clip with a new rank goes on playing."""
        before, self._hit = self._hit, hit
        self._show_facts(hit)
        if hit is not None and before is not None and hit.clip_id == before.clip_id:
            return
        self.strip.show_hit(hit)
        play = self._settings.flag("player/autoplay")
        height = int(self._settings.number("player/max_height"))
        self.player.open(hit, height, play=play, poster=self._poster(hit))

    def reload(self) -> None:
        """Ask for the clip's frames once more (a new engine came up)."""
        hit, self._hit = self._hit, None
        if hit is not None:
            self.show_hit(hit)

    @property
    def ready(self) -> bool:
        """Whether everything of this clip is on screen."""
        return self._hit is None or (self.player.playing_real_frames and self.strip.ready)

    def _poster(self, hit: Hit | None) -> QImage | None:
        strip = self._thumbnails.strip(hit.clip_id) if hit is not None else None
        return strip.copy(tile_rect(strip, 0)) if strip is not None else None

    def _on_time_chosen(self, time_s: float) -> None:
        self.player.playback.seek(time_s)

    def _show_facts(self, hit: Hit | None) -> None:
        self._nothing.setVisible(hit is None)
        for part in (self._title, self._place, self.player, self.strip, self._details):
            part.setVisible(hit is not None)
        if hit is None:
            self._nothing_icon.setPixmap(icons.pixmap("film", 32, "text_3", ratio=2))
            return
        self._title.setText(formats.file_name(hit.video))
        self._place.setText(f"Rank {hit.rank}  ·  {formats.span(hit.start_s, hit.end_s)}")
        self._show_scores(hit)
        self._path.setText(self._paths.get(hit.video_id, hit.video))
        length_s = hit.end_s - hit.start_s
        start, end = formats.exact_clock(hit.start_s), formats.exact_clock(hit.end_s)
        self._span.setText(f"{start} – {end}  ({length_s:.2f} s)")

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
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(4)
        column.addWidget(self._title)
        column.addWidget(self._place)
        column.addSpacing(8)
        self._slot = QVBoxLayout()
        self._slot.addWidget(self.player)
        column.addLayout(self._slot)
        column.addSpacing(8)
        column.addWidget(self.strip)
        column.addWidget(self._lay_out_details())
        column.addWidget(self._lay_out_nothing(), 100)
        column.addStretch(1)  # else the picture would take what is left below
        self.setWidget(inside)

    def _lay_out_nothing(self) -> QWidget:
        column = QVBoxLayout(self._nothing)
        column.setSpacing(8)
        column.addStretch(2)
        text = label("Select a clip to play it\nand to see how it got its rank.", "quiet")
        for part in (self._nothing_icon, text):
            part.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(part)
        column.addStretch(3)
        return self._nothing

    def take_player(self) -> Player:
        """Hand the player out, for full screen."""
        self._slot.removeWidget(self.player)
        return self.player

    def return_player(self) -> None:
        """Take the player back."""
        self._slot.addWidget(self.player)

    def _lay_out_details(self) -> QWidget:
        column = QVBoxLayout(self._details)
        column.setContentsMargins(0, 16, 0, 0)
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
        return self._details

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
        if self._hit is not None:
            QGuiApplication.clipboard().setText(self._paths.get(self._hit.video_id, self._hit.video))
            self.copied.emit("The file's path is in the clipboard.")

    def _copy_span(self) -> None:
        if self._hit is not None:
            QGuiApplication.clipboard().setText(f"{self._hit.start_s:.3f},{self._hit.end_s:.3f}")
            self.copied.emit("The span is in the clipboard, in seconds.")
