"""The player: the clip's exact span in a loop, frame by frame, from the engine's pictures."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from core.protocol import Hit
from explorer import formats, theme
from explorer.models.frames import Frames
from explorer.models.heat import Heat
from explorer.models.playback import Playback
from explorer.models.transport import SPEEDS
from explorer.settings import Settings
from explorer.widgets.heat_bar import HeatBar
from explorer.widgets.heat_overlay import paint_heat
from explorer.widgets.parts import ElidedLabel, label, set_icon, tool
from explorer.widgets.timeline import Timeline


class Surface(QWidget):
    """The picture, as large as it fits, with the heat of its moment over it; or a sentence in its place.

    Signals:
        clicked(): play or pause.
        double_clicked(): full screen, or back.
    """

    clicked = Signal()
    double_clicked = Signal()

    def __init__(self, heat: Heat) -> None:
        super().__init__()
        self.image: QImage | None = None
        self._text = ""
        self._heat = heat
        self._time_s: float | None = None
        self.rounded = True
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName("Picture")
        heat.changed.connect(self.update)

    def show_image(self, image: QImage | None, text: str = "", time_s: float | None = None) -> None:
        """A picture and its time in the file (None: not a frame of the clip's), or nothing and why."""
        self.image, self._text, self._time_s = image, text, time_s
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, 180)

    def hasHeightForWidth(self) -> bool:
        return self.rounded

    def heightForWidth(self, width: int) -> int:
        return round(width * 9 / 16)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.double_clicked.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        radius = theme.RADIUS["l"] if self.rounded else 0
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(self.rect()), radius, radius)
        painter.setClipPath(shape)
        painter.fillRect(self.rect(), theme.color("media") if self.rounded else Qt.GlobalColor.black)
        if self.image is not None and not self.image.isNull():
            size = self.image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            left, top = (self.width() - size.width()) // 2, (self.height() - size.height()) // 2
            place = QRectF(left, top, size.width(), size.height())
            painter.drawImage(place, self.image)
            view = self._heat.at(self._time_s) if self._time_s is not None else None
            if view is not None:
                paint_heat(painter, place, view, self._heat.opacity)
        elif self._text:
            painter.setPen(theme.color("on_media", 0.8))
            painter.setFont(theme.font("small"))
            box = self.rect().adjusted(24, 16, -24, -16)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._text)


class FrameNumber(ElidedLabel):
    """`29 / 96`, or the number alone where there is no room for both: half a number tells nothing."""

    def _elided(self) -> str:
        both = self.text()
        fits = self.fontMetrics().horizontalAdvance(both) <= self.contentsRect().width()
        return both if fits else both.partition(" / ")[0]


class Player(QWidget):
    """Surface, timeline and controls around a Playback.

    Signals:
        time_changed(time_s): another frame is shown.
        full_screen_asked(): into full screen, or out of it.
    """

    time_changed = Signal(float)
    full_screen_asked = Signal()

    def __init__(self, frames: Frames, heat: Heat, settings: Settings) -> None:
        super().__init__()
        self.setObjectName("player")
        self.playback = Playback(frames, self)
        self.surface = Surface(heat)
        self.heat_bar = HeatBar(heat, settings)
        self.timeline = Timeline(self.playback)
        self._frames = frames
        self._heat = heat
        self._play = tool("play", "Play", self.playback.toggle)
        self._back = tool("step-back", "One frame back", lambda: self.playback.step(-1))
        self._forward = tool("step-forward", "One frame forward", lambda: self.playback.step(1))
        self._time = label("", "secondary")
        self._number = FrameNumber("", "quiet")
        self._number.setAccessibleName("Frame of the clip")
        self._speed = QToolButton()
        self._hot = tool(
            "heat", "Heatmap: where the query is in the picture  (H)", heat.toggle, checkable=True
        )
        self._full = tool("fullscreen", "Full screen", self.full_screen_asked.emit)
        self._set_up()
        self._lay_out()
        self._show_state()

    def open(self, hit: Hit | None, max_height: int, *, play: bool, poster: QImage | None = None) -> None:
        """Show a clip; `poster` stands in until its first frame is there."""
        self._failure = ""
        self.surface.show_image(poster, "Decoding…" if hit is not None else "Select a clip to play it here.")
        self._poster = poster is not None
        self.playback.open(hit, max_height, play=play)
        self._show_state()

    @property
    def playing_real_frames(self) -> bool:
        """Whether the picture is the clip's own frame and no poster (or it failed)."""
        return bool(self._failure) or (self.surface.image is not None and not self._poster)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        seconds = {Qt.Key.Key_Left: -1.0, Qt.Key.Key_Right: 1.0}.get(Qt.Key(event.key()))
        if seconds is None:
            super().keyPressEvent(event)
        else:
            self.playback.seek(self.playback.position_s + seconds)

    def _set_up(self) -> None:
        self._failure = ""
        self._poster = False
        self._ink = "text"
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._frames.picture_ready.connect(self._on_picture)
        self._frames.failed.connect(self._on_failed)
        self.playback.frame_changed.connect(self._on_frame)
        self.playback.changed.connect(self._show_state)
        self._heat.changed.connect(self._show_state)
        self.surface.clicked.connect(self.playback.toggle)
        self.surface.double_clicked.connect(self.full_screen_asked)
        self._speed.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._speed.setToolTip("Speed  (J slower, L faster)")
        self._speed.setProperty("role", "labelled")
        menu = QMenu(self._speed)
        for speed in SPEEDS:
            menu.addAction(f"{speed:g}×").triggered.connect(
                lambda _on, value=speed: self.playback.set_speed(value)
            )
        self._speed.setMenu(menu)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.surface, 1)
        self._controls = QVBoxLayout()
        self._controls.setSpacing(4)
        self._controls.addWidget(self.timeline)
        row = QHBoxLayout()
        row.setSpacing(0)
        for part in (self._back, self._play, self._forward):
            row.addWidget(part)
        row.addSpacing(8)
        row.addWidget(self._time)
        row.addSpacing(8)
        row.addWidget(self._number, 1)
        row.addWidget(self._speed)
        row.addWidget(self._hot)
        row.addWidget(self._full)
        self._controls.addLayout(row)
        self._controls.addWidget(self.heat_bar)
        column.addLayout(self._controls)

    def set_full_screen(self, *, full: bool) -> None:
        """The look of full screen: square corners, black surroundings, the picture as tall as it gets."""
        self.surface.rounded = not full
        policy = self.surface.sizePolicy()
        policy.setVerticalPolicy(QSizePolicy.Policy.Expanding if full else QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(not full)
        self.surface.setSizePolicy(policy)
        self._ink = self.timeline.ink = "on_media" if full else "text"
        set_icon(self._full, "fullscreen-exit" if full else "fullscreen", self._ink)
        set_icon(self._hot, "heat", self._ink)
        set_icon(self._back, "step-back", self._ink)
        set_icon(self._forward, "step-forward", self._ink)
        self._show_state()
        self._controls.setContentsMargins(*((16, 0, 16, 12) if full else (0, 0, 0, 0)))

    def _on_frame(self, place: int) -> None:
        picture = self._frames.picture(place)
        if picture is not None:
            self._show_picture(picture, place)
        self._show_time(place)

    def _on_picture(self, place: int) -> None:
        if place == self.playback.place:
            picture = self._frames.picture(place)
            if picture is not None:
                self._show_picture(picture, place)

    def _show_picture(self, picture: QImage, place: int) -> None:
        self._poster = False
        self.surface.show_image(picture, time_s=self._frames.time_s(place))

    def _on_failed(self, sentence: str) -> None:
        self._failure = sentence
        self.playback.pause()
        self.surface.show_image(None, sentence)

    def _show_time(self, place: int) -> None:
        time_s = self._frames.time_s(place)
        self._time.setText(formats.exact_clock(time_s))
        self._number.setText(f"{self._frames.number(place) + 1} / {max(self._frames.expected, place + 1)}")
        self.timeline.update()
        self._heat.show_time(time_s)
        self.heat_bar.show_time(time_s)
        self.time_changed.emit(time_s)

    def _show_state(self) -> None:
        playback = self.playback
        there = playback.hit is not None and not self._failure
        for part in (
            self._play,
            self._back,
            self._forward,
            self._speed,
            self._hot,
            self._full,
            self.timeline,
        ):
            part.setEnabled(there)
        self._hot.setChecked(self._heat.on)
        set_icon(self._play, "pause" if playback.playing else "play", self._ink)
        self._play.setToolTip("Pause  (Space)" if playback.playing else "Play  (Space)")
        self._speed.setText(f"{playback.speed:g}×")
        if not there:
            self._time.setText("")
            self._number.setText("")
        self.timeline.update()
