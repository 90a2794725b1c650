"""The truth and the wrong rank 1 side by side, in step, with what the run says of both."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from core.protocol import Hit, JudgementInfo, RankedClip
from explorer import formats, theme
from explorer.analysis_judging import WORDS
from explorer.models.frames import Frames
from explorer.models.heat import Heat
from explorer.models.playback import Playback
from explorer.models.thumbnails import Thumbnails, tile_rect
from explorer.widgets.card_delegate import paint_tile
from explorer.widgets.parts import ElidedLabel, button, label
from explorer.widgets.player import Surface

_TILES: Final = 5
_GAP: Final = 6
_MARKS: Final = {
    "relevant": ("✓", "up"),
    "partly": ("~", "warning"),
    "not": ("✕", "down"),
    "unsure": ("?", "text_3"),
}


class ClipChoice(QWidget):
    """Clips as small pictures with their ranks, five in a row.

    Signals:
        chosen(place): one was clicked or reached with the arrow keys.
    """

    chosen = Signal(int)

    def __init__(self, thumbnails: Thumbnails, name: str) -> None:
        super().__init__()
        self._thumbnails = thumbnails
        self._clips: tuple[RankedClip, ...] = ()
        self._judged: dict[int, JudgementInfo] = {}
        self.place = -1
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        thumbnails.strip_ready.connect(lambda _clip: self.update())

    def show_clips(self, clips: tuple[RankedClip, ...], place: int) -> None:
        """Other clips, with one of them chosen."""
        self._clips, self.place = clips, place
        self._fit()
        self.update()

    def show_judged(self, judged: dict[int, JudgementInfo]) -> None:
        """What people said, by clip."""
        self._judged = judged
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, self._height(320))

    def resizeEvent(self, event: QEvent) -> None:
        self._fit()

    def _fit(self) -> None:
        self.setFixedHeight(self._height(self.width()))

    def _height(self, width: int) -> int:
        lines = max(1, -(-len(self._clips) // _TILES))
        return lines * (self._tile(width).height() + _GAP) - _GAP

    @staticmethod
    def _tile(width: int) -> QSize:
        tile = min(132, (width - (_TILES - 1) * _GAP) // _TILES)
        return QSize(tile, round(tile * 9 / 16))

    def _rect(self, place: int) -> QRect:
        size = self._tile(self.width())
        column, row = place % _TILES, place // _TILES
        return QRect(
            column * (size.width() + _GAP), row * (size.height() + _GAP), size.width(), size.height()
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setFont(theme.font("caption", QFont.Weight.DemiBold, tabular=True))
        for place, clip in enumerate(self._clips):
            rect = self._rect(place)
            strip = self._thumbnails.strip(clip.hit.clip_id)
            if strip is None:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme.color("raised"))
                painter.drawRoundedRect(QRectF(rect), theme.RADIUS["s"], theme.RADIUS["s"])
            else:
                paint_tile(painter, rect, strip, 5, theme.RADIUS["s"])
            self._paint_rank(painter, rect, clip)
            if place == self.place:
                painter.setPen(QPen(theme.color("accent"), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                inner = QRectF(rect).adjusted(1, 1, -1, -1)
                painter.drawRoundedRect(inner, theme.RADIUS["s"], theme.RADIUS["s"])

    def _paint_rank(self, painter: QPainter, rect: QRect, clip: RankedClip) -> None:
        """Rank at the top left; what the truth or a person says at the top right."""
        rank = str(clip.hit.rank) if clip.hit.rank else "–"
        width = painter.fontMetrics().horizontalAdvance(rank) + 8
        mark, tint = mark_of(clip, self._judged.get(clip.hit.clip_id))
        boxes = [(QRect(rect.left() + 3, rect.top() + 3, width, 15), rank, "on_media")]
        if mark:
            boxes.append((QRect(rect.right() - 17, rect.top() + 3, 15, 15), mark, tint))
        for box, text, colour in boxes:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("media", 0.8))
            painter.drawRoundedRect(QRectF(box), theme.RADIUS["s"], theme.RADIUS["s"])
            painter.setPen(getattr(theme.DARK, colour))  # always on the dark chip
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self._under(event)
        if place >= 0:
            self.chosen.emit(place)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = self._under(event)
        self.setCursor(Qt.CursorShape.PointingHandCursor if place >= 0 else Qt.CursorShape.ArrowCursor)
        if place < 0:
            self.setToolTip("")
            return
        clip = self._clips[place]
        judged = self._judged.get(clip.hit.clip_id)
        self.setToolTip(f"{formats.file_name(clip.hit.video)}\n{facts_of(clip)}\n{said_of(clip, judged)}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -_TILES, Qt.Key.Key_Down: _TILES}
        step = steps.get(Qt.Key(event.key()))
        if step is None or not self._clips:
            super().keyPressEvent(event)
        else:
            self.chosen.emit(min(max(self.place + step, 0), len(self._clips) - 1))

    def _under(self, event: QMouseEvent) -> int:
        spot = event.position().toPoint()
        return next((place for place in range(len(self._clips)) if self._rect(place).contains(spot)), -1)


class ClipView(QFrame):
    """One clip of the pair: picture, name, ranks and scores, what is known of it, the others of its kind.

    Signals:
        open_asked(hit): show this clip on the Explore page, where its heatmaps and words are.
        place_chosen(place): another clip of this side.
        toggled(): a click on the picture.
        picked(): this side is the one that is judged.
    """

    open_asked = Signal(object)
    place_chosen = Signal(int)
    toggled = Signal()
    picked = Signal()

    def __init__(self, title: str, none: str, frames: Frames, heat: Heat, thumbnails: Thumbnails) -> None:
        super().__init__()
        self.setObjectName("clipView")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # both alike
        self.heat = heat
        self._none = none
        self._frames = frames
        self._thumbnails = thumbnails
        self.playback = Playback(frames, self)
        self.clip: RankedClip | None = None
        self._title_text = title
        self._title = label(title, "strong")
        self._said = ElidedLabel("", "caption", Qt.TextElideMode.ElideRight)
        self._name = ElidedLabel("", "secondary")
        self._facts = label("", "caption")
        self._surface = Surface(heat)
        self._open = button("Open in Explore", role="link", on_click=self._ask_to_open)
        self._open.setToolTip("Search for this query and show the clip with its heatmaps, words and skeleton")
        self.choice = ClipChoice(thumbnails, f"{title}: other clips")
        self.choice.chosen.connect(self.place_chosen)
        self._surface.clicked.connect(self.toggled)
        frames.picture_ready.connect(self._on_picture)
        frames.failed.connect(lambda sentence: self._surface.show_image(None, sentence))
        self.playback.frame_changed.connect(self._on_picture)
        self._lay_out()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 8)
        column.setSpacing(4)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._title)
        head.addWidget(self._said, 1)
        head.addWidget(self._open)
        column.addLayout(head)
        column.addWidget(self._surface)
        column.addWidget(self._name)
        column.addWidget(self._facts)
        column.addSpacing(2)
        column.addWidget(self.choice)
        column.addStretch(1)

    def show_clip(self, query: str, clip: RankedClip | None, title: str = "") -> None:
        """A clip of the run; its frames follow, and its heatmap if it is wanted."""
        self.clip = clip
        self.heat.show_subject(query, clip.hit if clip is not None else None)
        self._title.setText(title or self._title_text)
        self._open.setVisible(clip is not None)
        if clip is None:
            self._name.setText("")
            self._facts.setText("")
            self._said.setText("")
            self._surface.show_image(None, self._none)
            return
        self._surface.show_image(self._poster(clip.hit), "Decoding…")
        self._name.setText(
            f"{formats.file_name(clip.hit.video)}  ·  {formats.span(clip.hit.start_s, clip.hit.end_s)}"
        )
        self._facts.setText(facts_of(clip))

    def show_said(self, judged: JudgementInfo | None) -> None:
        """What the truth and people say of the clip."""
        self._said.setText(said_of(self.clip, judged) if self.clip is not None else "")

    def show_picked(self, *, picked: bool) -> None:
        """Whether a judgement would be about this side."""
        if self.property("picked") != picked:
            self.setProperty("picked", picked)
            self.style().unpolish(self)
            self.style().polish(self)

    @property
    def title(self) -> str:
        """What stands over the picture."""
        return self._title.text()

    @property
    def ready(self) -> bool:
        """Whether the picture is the clip's own (or there is none)."""
        return self.clip is None or self._frames.count > 0

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.picked.emit()
        super().mousePressEvent(event)

    def _poster(self, hit: Hit) -> QImage | None:
        strip = self._thumbnails.strip(hit.clip_id)
        return strip.copy(tile_rect(strip, 0)) if strip is not None else None

    def _on_picture(self, place: int) -> None:
        picture = self._frames.picture(place) if place == self.playback.place else None
        if picture is not None:
            time_s = self._frames.time_s(place)
            self._surface.show_image(picture, time_s=time_s)
            self.heat.show_time(time_s)

    def _ask_to_open(self) -> None:
        if self.clip is not None:
            self.open_asked.emit(self.clip.hit)


def facts_of(clip: RankedClip) -> str:
    """`rank 4 (first stage 12)  ·  cosine 0.312  ·  X-CLIP 0.287`."""
    hit = clip.hit
    if not hit.rank:
        return "not ranked"
    rank = f"rank {hit.rank:,}"
    if hit.rerank_score is None:
        return f"{rank}  ·  score {hit.score:.3f}"
    return f"{rank} (first stage {hit.first_rank:,})  ·  cosine {hit.score:.3f}  ·  X-CLIP {hit.rerank_score:.3f}"


def said_of(clip: RankedClip, judged: JudgementInfo | None) -> str:
    """What the file says and what a person said."""
    if clip.grade is None:
        truth = "not in the truth"
    else:
        truth = (
            "not relevant" if clip.grade == 0 else "relevant" if clip.grade == 1 else f"grade {clip.grade}"
        )
    return f"{truth}  ·  judged {WORDS[judged.verdict].casefold()}" if judged is not None else truth


def mark_of(clip: RankedClip, judged: JudgementInfo | None) -> tuple[str, str]:
    """A sign and its colour: what a person said, else what the file says, else nothing."""
    if judged is not None:
        return _MARKS[judged.verdict]
    if clip.grade is None:
        return "", ""
    return _MARKS["relevant" if clip.grade > 0 else "not"]
