"""The tab "Moments" and what belongs to time: its key, the video's other clips, key images under the player."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject

from core.protocol import Hit, RankExplained
from explorer.engine_client import Request
from explorer.models.moments import ClipKeyframes, VideoMoments
from explorer.models.why import ask_rank
from explorer.widgets.moments_curve import SHOWN_MOMENTS
from explorer.widgets.moments_page import MomentsPage

if TYPE_CHECKING:
    from explorer.actions import Actions
    from explorer.session import Session
    from explorer.widgets.main_window import MainWindow

NAME: Final = "moments"


class MomentsTab(QObject):
    """Binds moments and key images to the window."""

    def __init__(self, window: MainWindow, session: Session, actions: Actions) -> None:
        super().__init__(window)
        self.moments = VideoMoments(session.link.client, self)
        self.keyframes = ClipKeyframes(session.link.client, self)
        self.page = MomentsPage(self.moments)
        self._window = window
        self._session = session
        self._say = actions.say
        self._seeking: Request | None = None
        tip = "Where in the whole video the query is answered, and for how long"
        window.inspector.add_page(NAME, "Moments", self.page, tip)
        self.page.time_chosen.disconnect(window.inspector.seek)  # a moment may lie in another clip
        self.page.time_chosen.connect(self.go_to)
        self.page.curve.span_chosen.connect(lambda _start_s, _end_s: self.page.curve.setFocus())
        self.moments.changed.connect(self._show_on_timeline)
        self.keyframes.changed.connect(self._show_on_timeline)
        window.inspector.player.playback.changed.connect(self._on_playback)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """The functions of the commands that belong here."""
        return {
            "show_moments": self.show_moments,
            "keyframe_back": lambda: self.step_keyframe(-1),
            "keyframe_forward": lambda: self.step_keyframe(1),
        }

    def show_moments(self) -> None:
        """Bring the tab to the front."""
        if self.page.hit is None:
            self._say("info", "Select a clip first: the tab Moments looks through its video.")
            return
        self._window.inspector.show()
        self._window.inspector.show_page(NAME)
        self.page.curve.setFocus()

    def step_keyframe(self, step: int) -> None:
        """To the clip's next key image, or the one before."""
        playback = self._window.inspector.player.playback
        keyframe = self.keyframes.beside(playback.position_s, step)
        if keyframe is not None:
            playback.pause()
            playback.seek(keyframe.time_s)

    def go_to(self, time_s: float) -> None:
        """Bring the player to a time of the video, in the clip that shows it."""
        inspector, hit = self._window.inspector, self.page.hit
        clip_id = self.moments.clip_at(time_s)
        if hit is None or clip_id == hit.clip_id:
            inspector.seek(time_s)
            return
        if clip_id < 0:
            self._say("info", "No clip of the library shows this time of the video.")
            return
        grid = self._window.grid
        row = grid.hits.row_of(clip_id)
        if row >= 0:
            grid.select_row(row)
            inspector.seek(time_s)
            return
        self._drop()
        request = self._seeking = ask_rank(self._session, self._session.query, clip_id)
        request.answered.connect(lambda told: self._on_found(request, told, time_s))
        request.failed.connect(lambda failure: self._say("error", failure.sentence, failure.detail))
        request.finished.connect(lambda: self._over(request))

    def _on_found(self, request: Request, told: RankExplained, time_s: float) -> None:
        """The clip is not among the results that are shown, but has its rank: open it where it was asked for."""
        if self._seeking is not request:
            return
        self._drop()
        self._window.grid.selectionModel().clear()
        self._window.inspector.show_hit(told.hit, self._session.query)
        self._window.inspector.seek(time_s)

    def _drop(self) -> None:
        request, self._seeking = self._seeking, None
        if request is not None:
            request.cancel()

    def _over(self, request: Request) -> None:
        if self._seeking is request:
            self._seeking = None

    # --- under the player ----------------------------------------------------------------------------

    def _on_playback(self) -> None:
        hit: Hit | None = self._window.inspector.player.playback.hit
        self.keyframes.take_up(hit)

    def _show_on_timeline(self) -> None:
        timeline = self._window.inspector.player.timeline
        timeline.show_keyframes(self.keyframes.keyframes)
        self._window.inspector.strip.show_keyframes(self.keyframes.keyframes)
        found = self.moments.found
        best = found.moments[:SHOWN_MOMENTS] if found is not None else ()
        timeline.show_moments(tuple((moment.start_s, moment.end_s) for moment in best))
