"""The right panel: one clip in full. The player and its keyframes on top, and below them a tab for each question."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel, QScrollArea, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from core.protocol import Hit, LibraryInfo
from explorer import formats, icons
from explorer.models.frames import Frames
from explorer.models.heat import Heat
from explorer.models.thumbnails import Thumbnails, tile_rect
from explorer.settings import Settings
from explorer.widgets.inspector_page import InspectorPage
from explorer.widgets.keyframe_strip import KeyframeStrip
from explorer.widgets.parts import ElidedLabel, label
from explorer.widgets.play_page import PlayPage
from explorer.widgets.player import Player


class Inspector(QWidget):
    """Shows one hit.

    Signals:
        said(level, sentence): something for the message bar.
        query_chosen(text): a page wants this query to run.
        page_changed(name): another tab is in front.
    """

    said = Signal(str, str)
    query_chosen = Signal(str)
    page_changed = Signal(str)

    def __init__(self, frames: Frames, thumbnails: Thumbnails, heat: Heat, settings: Settings) -> None:
        super().__init__()
        self.setObjectName("inspector")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._settings = settings
        self._thumbnails = thumbnails
        self._heat = heat
        self._hit: Hit | None = None
        self._query = ""
        self.player = Player(frames, heat, settings)
        self.strip = KeyframeStrip(thumbnails)
        self.play_page = PlayPage()
        self._title = ElidedLabel("", "title")
        self._place = label("", "secondary", wrap=True)
        self._tabs = QTabBar()
        self._pages = QStackedWidget()
        self._names: list[str] = []
        self._nothing = QWidget()
        self._nothing_icon = QLabel()
        self._lay_out()
        self.add_page("play", "Play", self.play_page)
        self._tabs.currentChanged.connect(self._on_tab)
        self.strip.time_chosen.connect(self.seek)
        self.player.time_changed.connect(self._on_time)
        self.show_hit(None)

    # --- pages ---------------------------------------------------------------------------------------

    def add_page(self, name: str, title: str, page: InspectorPage, tip: str = "") -> None:
        """One more tab. A single one needs no tab bar."""
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(page)
        self._names.append(name)
        self._pages.addWidget(area)
        self._tabs.setTabToolTip(self._tabs.addTab(title), tip)
        self._tabs.setVisible(len(self._names) > 1 and self._hit is not None)
        page.time_chosen.connect(self.seek)
        page.query_chosen.connect(self.query_chosen)
        page.said.connect(self.said)

    def show_page(self, name: str) -> None:
        """Bring a tab to the front."""
        self._tabs.setCurrentIndex(self._names.index(name))

    @property
    def page_name(self) -> str:
        """The tab in front."""
        return self._names[self._tabs.currentIndex()]

    @property
    def pages(self) -> tuple[InspectorPage, ...]:
        """Every tab's content, in order."""
        areas = [self._pages.widget(place) for place in range(self._pages.count())]
        inside = [area.widget() for area in areas if isinstance(area, QScrollArea)]
        return tuple(page for page in inside if isinstance(page, InspectorPage))

    def _on_tab(self, place: int) -> None:
        self._pages.setCurrentIndex(place)
        self.page_changed.emit(self._names[place])

    # --- the clip ------------------------------------------------------------------------------------

    def show_library(self, library: LibraryInfo | None, *, demo: bool = False) -> None:
        """What the pages should know of the open library."""
        self.play_page.show_library(library, demo=demo)

    def show_hit(self, hit: Hit | None, query: str | None = None) -> None:
        """Take up a clip, found by `query` (None: by the query before). The same clip goes on playing."""
        before, self._hit = self._hit, hit
        self._query = query if query is not None else self._query
        self._show_head(hit)
        self._heat.show_subject(self._query, hit)
        for page in self.pages:
            page.show_subject(self._query, hit)
        if hit is not None and before is not None and hit.clip_id == before.clip_id:
            return
        self.strip.show_hit(hit)
        play = self._settings.flag("player/autoplay")
        height = int(self._settings.number("player/max_height"))
        self.player.open(hit, height, play=play, poster=self._poster(hit))

    def reload(self) -> None:
        """Ask for everything of the clip once more (a new engine came up)."""
        hit, self._hit = self._hit, None
        if hit is not None:
            self.show_hit(hit)
        self._heat.reload()
        for page in self.pages:
            page.reload()

    def retint(self) -> None:
        """The theme changed."""
        self._show_head(self._hit)
        for page in self.pages:
            page.retint()

    def seek(self, time_s: float) -> None:
        """Bring the player to a time of the file."""
        self.player.playback.seek(time_s)

    @property
    def ready(self) -> bool:
        """Whether everything of this clip is on screen."""
        pictured = self.player.playing_real_frames and self.strip.ready
        return self._hit is None or (pictured and self.pages[self._tabs.currentIndex()].ready)

    def _on_time(self, time_s: float) -> None:
        self.strip.show_time(time_s)
        self.pages[self._tabs.currentIndex()].show_time(time_s)

    def _poster(self, hit: Hit | None) -> QImage | None:
        strip = self._thumbnails.strip(hit.clip_id) if hit is not None else None
        return strip.copy(tile_rect(strip, 0)) if strip is not None else None

    def _show_head(self, hit: Hit | None) -> None:
        self._nothing.setVisible(hit is None)
        for part in (self._title, self._place, self.player, self.strip, self._pages):
            part.setVisible(hit is not None)
        self._tabs.setVisible(hit is not None and len(self._names) > 1)
        if hit is None:
            self._nothing_icon.setPixmap(icons.pixmap("film", 32, "text_3", ratio=2))
            return
        self._title.setText(formats.file_name(hit.video))
        self._place.setText(f"Rank {hit.rank}  ·  {formats.span(hit.start_s, hit.end_s)}")

    # --- places --------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        top = QVBoxLayout()
        top.setContentsMargins(16, 16, 16, 0)
        top.setSpacing(4)
        top.addWidget(self._title)
        top.addWidget(self._place)
        top.addSpacing(8)
        self._slot = QVBoxLayout()
        self._slot.addWidget(self.player)
        top.addLayout(self._slot)
        top.addSpacing(8)
        top.addWidget(self.strip)
        self._tabs.setObjectName("inspectorTabs")
        self._tabs.setDrawBase(False)
        self._tabs.setExpanding(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addSpacing(8)
        column.addWidget(self._tabs)
        column.addWidget(self._pages, 1)
        column.addWidget(self._lay_out_nothing(), 100)

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
