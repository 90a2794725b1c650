"""The tab "Clips" of the Analyse page: a query's truth beside what stands first, played in step, and judged."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSlider, QVBoxLayout, QWidget

from core.protocol import Evidence, Hit, QueryOutcome, RankedClip
from core.protocol import Verdict as VerdictWord
from explorer import formats
from explorer.analysis_judging import Judging
from explorer.engine_client import EngineClient
from explorer.models.analysis_duo import Duo
from explorer.models.frames import Frames
from explorer.models.heat import Heat
from explorer.models.thumbnails import Thumbnails
from explorer.settings import Settings
from explorer.widgets.analysis_clips import ClipView
from explorer.widgets.analysis_judge_bar import JudgeBar
from explorer.widgets.parts import label, set_icon, tool

_STEPS: Final = 1000
_TRUTH, _RIVAL = 0, 1


class EvidencePanel(QWidget):
    """Two clips of one query.

    Signals:
        open_asked(query, hit): show this clip on the Explore page.
        next_asked(step): the next failure (1) or the one before (-1).
        choose_asked(): the query goes into the report, or out of it.
        pair_changed(query, clips): two other clips are shown; (title, hit) for each side.
        left(): the keys go back to the table.
    """

    open_asked = Signal(str, object)
    next_asked = Signal(int)
    choose_asked = Signal()
    pair_changed = Signal(str, tuple)
    left = Signal()

    def __init__(
        self, client: EngineClient, thumbnails: Thumbnails, settings: Settings, judging: Judging
    ) -> None:
        super().__init__()
        self._settings = settings
        self._judging = judging
        self._evidence: Evidence | None = None
        self._picked = _RIVAL
        self._frames = (Frames(client, self), Frames(client, self))
        heats = (Heat(client, settings, self), Heat(client, settings, self))
        self.truth = ClipView(
            "Truth",
            "No relevant clip of this query is in the library.",
            self._frames[0],
            heats[0],
            thumbnails,
        )
        self.rival = ClipView(
            "Rank 1", "No clip was ranked for this query.", self._frames[1], heats[1], thumbnails
        )
        self.sides = (self.truth, self.rival)
        self.duo = Duo(self.truth.playback, self.rival.playback, self)
        self.judge_bar = JudgeBar()
        self._query = label("", "title", wrap=True)
        self._summary = label("", "secondary", wrap=True)
        self._chosen = tool(
            "pin", "Show this query in the report, first of all  (R)", self.choose_asked.emit, checkable=True
        )
        self._play = tool("play", "Play both  (Space)", self.duo.toggle)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._time = label("", "secondary")
        self._hot = tool(
            "heat", "Heatmaps: where the query is in both  (H)", self.toggle_heat, checkable=True
        )
        self._wire()
        self._lay_out()
        self.show_query(None)

    def _wire(self) -> None:
        self.duo.moved.connect(self._show_time)
        self.duo.changed.connect(self._show_time)
        self._slider.setRange(0, _STEPS)
        self._slider.setAccessibleName("Place in both clips")
        self._slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._slider.sliderMoved.connect(lambda at: self.duo.seek(at / _STEPS * self.duo.length_s))
        for place, side in enumerate(self.sides):
            side.open_asked.connect(lambda hit: self.open_asked.emit(self.query, hit))
            side.toggled.connect(self.duo.toggle)
            side.picked.connect(lambda picked=place: self.pick(picked))
            side.place_chosen.connect(lambda chosen, on=place: self.choose(on, chosen))
            side.heat.changed.connect(self._show_heat)
        self.judge_bar.judged.connect(self._on_judged)
        self.judge_bar.note_left.connect(self.left)
        self._judging.changed.connect(self._on_judgements)

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(12, 8, 12, 4)
        column.setSpacing(4)
        head = QHBoxLayout()
        head.setSpacing(4)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self._query)
        texts.addWidget(self._summary)
        head.addLayout(texts, 1)
        back = tool("back", "Failure before  (P)", lambda: self.next_asked.emit(-1))
        forward = tool("forward", "Next failure  (N)", lambda: self.next_asked.emit(1))
        for part in (self._chosen, back, forward):
            head.addWidget(part, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(head)
        pair = QHBoxLayout()
        pair.setSpacing(8)
        pair.addWidget(self.truth, 1)
        pair.addWidget(self.rival, 1)
        controls = QHBoxLayout()
        controls.setSpacing(8)
        controls.addWidget(self._play)
        controls.addWidget(self._slider, 1)
        controls.addWidget(self._time)
        controls.addWidget(self._hot)
        column.addLayout(pair)
        column.addStretch(1)
        bar = QFrame()  # always in sight, however low the window is
        bar.setObjectName("pairBar")
        below = QVBoxLayout(bar)
        below.setContentsMargins(16, 4, 16, 8)
        below.setSpacing(4)
        below.addLayout(controls)
        below.addWidget(self.judge_bar)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(area, 1)
        whole.addWidget(bar)

    # --- what is shown -------------------------------------------------------------------------------

    @property
    def query(self) -> str:
        """The query whose clips are shown, empty without one."""
        return self._evidence.query if self._evidence is not None else ""

    @property
    def ready(self) -> bool:
        """Whether both pictures are there."""
        return all(side.ready for side in self.sides)

    def show_query(self, outcome: QueryOutcome | None) -> None:
        """Which query is meant; its clips follow."""
        self._evidence = None
        self._query.setText(outcome.text if outcome is not None else "Choose a query")
        self._summary.setText(summary(outcome) if outcome is not None else "Its clips are compared here.")
        self._chosen.setEnabled(outcome is not None)

    def show_chosen(self, *, chosen: bool) -> None:
        """Whether the query goes into the report."""
        self._chosen.setChecked(chosen)

    def show_evidence(self, evidence: Evidence) -> None:
        """The clips of the query: the best relevant one, and the best that is not."""
        self._evidence = evidence
        self._picked = _RIVAL
        wrong = next((place for place, clip in enumerate(evidence.top) if not clip.grade), 0)
        self._show_side(_TRUTH, 0 if evidence.truth else -1)
        self._show_side(_RIVAL, wrong if evidence.top else -1)
        self._show_judgement()

    def clear(self) -> None:
        """Nothing is looked at: both players put their clips away."""
        self.duo.pause()
        self._evidence = None
        for place, side in enumerate(self.sides):
            side.show_clip("", None)
            side.choice.show_clips((), -1)
            self.duo.open(place, None, 0)
        self._tell_pair()
        self._show_judgement()

    def choose(self, side: int, place: int) -> None:
        """Another clip of one side; a judgement is then about it."""
        self._picked = side
        self._show_side(side, place)
        self._show_judgement()

    def pick(self, side: int) -> None:
        """Judge the clip of this side (0 the truth, 1 the other)."""
        self._picked = side
        self._show_judgement()

    def close_frames(self) -> None:
        """Wait for the decoders, before the program ends."""
        self.duo.pause()
        for frames in self._frames:
            frames.close()

    def reload(self) -> None:
        """Ask for the pictures once more (a new engine came up)."""
        for place, side in enumerate(self.sides):
            hit = side.playback.hit
            self.duo.open(place, None, 0)
            self._open(place, hit)

    def toggle_heat(self) -> None:
        """Both heatmaps on or off."""
        on = not self.truth.heat.on
        for side in self.sides:
            side.heat.on = on

    def next_heat(self) -> None:
        """Another method for both heatmaps; they come on if they were off."""
        if not self.truth.heat.on:
            self.toggle_heat()
            return
        for side in self.sides:
            side.heat.next_method()

    def _clips(self, side: int) -> tuple[RankedClip, ...]:
        if self._evidence is None:
            return ()
        return self._evidence.truth if side == _TRUTH else self._evidence.top

    def _show_side(self, side: int, place: int) -> None:
        clips, view = self._clips(side), self.sides[side]
        clip = clips[place] if 0 <= place < len(clips) else None
        title = ""
        if clip is not None and clip.hit.rank:
            title = f"Truth at rank {clip.hit.rank:,}" if side == _TRUTH else f"Rank {clip.hit.rank:,}"
        view.show_clip(self.query, clip, title)
        view.choice.show_clips(clips, place)
        self._tell_pair()
        self._open(side, clip.hit if clip is not None else None)

    def _tell_pair(self) -> None:
        shown = tuple((side.title, side.clip.hit if side.clip is not None else None) for side in self.sides)
        self.pair_changed.emit(self.query, shown)

    def _open(self, side: int, hit: Hit | None) -> None:
        self.duo.open(side, hit, int(self._settings.number("player/max_height")))
        if hit is not None and self._settings.flag("player/autoplay"):
            self.duo.play()

    def _show_time(self) -> None:
        duo = self.duo
        if not self._slider.isSliderDown():
            self._slider.setValue(round(_STEPS * duo.position_s / duo.length_s) if duo.length_s else 0)
        set_icon(self._play, "pause" if duo.playing else "play")
        speed = f"  ·  {duo.speed:g}×" if duo.speed != 1.0 else ""
        self._time.setText(f"{duo.position_s:.1f} / {duo.length_s:.1f} s{speed}")
        for part in (self._play, self._slider, self._hot):
            part.setEnabled(duo.hit is not None)

    def _show_heat(self) -> None:
        self._hot.setChecked(self.truth.heat.on)

    # --- judging -------------------------------------------------------------------------------------

    def judge(self, verdict: VerdictWord) -> None:
        """Say it of the clip that is picked."""
        self.judge_bar.say(verdict)

    def write_note(self) -> None:
        """Begin to type a note."""
        if self.judge_bar.isEnabled():
            self.judge_bar.note.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _on_judged(self, verdict: VerdictWord, tags: tuple[str, ...], note: str) -> None:
        clip = self.sides[self._picked].clip
        if clip is not None:
            self._judging.judge(self.query, clip.hit.clip_id, verdict, tags=tags, note=note)

    def _on_judgements(self, _query: str) -> None:
        self._show_judgement()

    def _show_judgement(self) -> None:
        held = dict(self._judging.of(self.query)) if self.query else {}
        for place, side in enumerate(self.sides):
            side.choice.show_judged(held)
            side.show_said(held.get(side.clip.hit.clip_id) if side.clip is not None else None)
            side.show_picked(picked=place == self._picked and side.clip is not None)
        clip = self.sides[self._picked].clip
        name = ""
        if clip is not None:
            name = f"Rank {clip.hit.rank:,}" if clip.hit.rank else "Not ranked"
        self.judge_bar.show_subject(name, held.get(clip.hit.clip_id) if clip is not None else None)


def summary(outcome: QueryOutcome) -> str:
    """Where the truth stands, in a sentence."""
    parts = [f"Truth at rank {outcome.rank:g}"]
    if outcome.first_rank != outcome.rank:
        parts.append(f"{outcome.first_rank:g} before reranking")
    if outcome.gap is not None:
        parts.append(f"{outcome.gap:.3f} behind rank 1" if outcome.gap > 0 else "level with rank 1")
    parts.append(formats.count(outcome.relevant, "relevant clip"))
    return "  ·  ".join(parts)
