"""The tab "Skeleton": what the query asks for beside what the clip shows, then everything else that was seen."""

from __future__ import annotations

from html import escape

from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from core.protocol import Hit, SkeletonMatch, Skeletons, SkeletonValue
from explorer.exports_html import table
from explorer.models.skeleton import Skeleton
from explorer.models.skeleton_words import (
    VERDICTS,
    answer,
    asked,
    match_tip,
    place,
    source,
    span,
    summary,
    value_tip,
)
from explorer.widgets.inspector_page import InspectorPage
from explorer.widgets.parts import button, empty, label, tool
from explorer.widgets.skeleton_menu import add_menu, correct_button
from explorer.widgets.skeleton_row import SkeletonRow

_SUMMARY_TIP = "How many of the things that the query asks for (or excludes) this clip answers as asked."
_ELSE_TIP = (
    "What the clip shows whether or not the query asks for it; a click shows the frame, the dots correct it."
)
_READING = "Reading the clip… the first time takes a few seconds."


class SkeletonPage(InspectorPage):
    """Both skeletons of one hit. Corrections go to the engine, which keeps them in the library."""

    def __init__(self, model: Skeleton) -> None:
        super().__init__()
        self.model = model
        self.rows: list[SkeletonRow] = []
        self.summary = label("", "", wrap=True)
        self.summary.setObjectName("whySentence")
        self.summary.setToolTip(_SUMMARY_TIP)
        self._notes = label("", "quiet", wrap=True)
        self._matches = QVBoxLayout()
        self._values = QVBoxLayout()
        self._heads = QWidget()
        self._else = label("SEEN IN THE CLIP", "section")
        self._else.setToolTip(_ELSE_TIP)
        self.add = self._menu_button("Add…", "Say what the clip shows and the model did not see.")
        self.export = self._menu_button("Export…", "Write the clip's skeleton as JSON or as OpenLABEL tags.")
        self.undo = tool("back", "Take the last correction back", model.undo)
        self.redo = tool("forward", "Correct again what was taken back", lambda: model.undo(redo=True))
        self._foot = QWidget()
        self._lay_out()
        model.changed.connect(self._show)
        model.said.connect(self.said)

    def fill(self) -> None:
        self.model.take_up(self.query, self.hit)

    def drop(self) -> None:
        self.model.drop()

    @property
    def ready(self) -> bool:
        return not self.model.waiting

    def retint(self) -> None:
        for row in self.rows:
            row.update()

    def show_subject(self, query: str, hit: Hit | None) -> None:
        super().show_subject(query, hit)
        if hit is None:
            self.model.take_up(query, None)

    def report(self) -> str:
        shown = self.model.shown
        if shown is None:
            return ""
        rows = [
            (escape(asked(one)), VERDICTS[one.verdict][1], escape(answer(one)), f"{one.probability:.2f}")
            for one in shown.matches
        ]
        seen = [
            (escape(one.title), escape(f"{span(one)} · {source(one)}"), f"{one.probability:.2f}")
            for one in shown.values
            if one.holds
        ]
        return (
            f"<h2>Skeleton</h2><p class='lead'>{escape(summary(shown.matches))}</p>"
            + table(("Query", "Verdict", "Clip", "Probability"), rows)
            + table(("Seen in the clip", "When and how", "Probability"), seen)
        )

    # --- what is shown -------------------------------------------------------------------------------

    def _show(self) -> None:
        shown = self.model.shown
        self.rows = []
        empty(self._matches)
        empty(self._values)
        for part in (self._heads, self._else, self._foot):
            part.setVisible(shown is not None)
        if shown is None:
            self.summary.setText(self.model.problem or (_READING if self.model.waiting else ""))
            self._notes.setText("")
            return
        self.summary.setText(summary(shown.matches))
        self._heads.setVisible(bool(shown.matches))
        self._notes.setText(" ".join((*_unread(shown), *shown.notes)))
        self._notes.setVisible(bool(self._notes.text()))
        for match in shown.matches:
            self._matches.addWidget(self._match(match))
        for value in (one for one in shown.values if one.holds or one.source == "person"):
            self._values.addWidget(self._value(value, shown))
        self.undo.setEnabled(shown.can_undo)
        self.redo.setEnabled(shown.can_redo)

    def _match(self, match: SkeletonMatch) -> QWidget:
        sign, word, token = VERDICTS[match.verdict]
        found = match.found
        aside = f" · {', '.join(match.unchecked)}?" if match.unchecked else ""
        row = SkeletonRow(
            (asked(match), word + aside),
            (answer(match), place(match)),
            sign=sign,
            token=token,
            probability=found.probability if found is not None else -1.0,
        )
        row.tell(match_tip(match))
        row.setEnabled(found is not None)
        if found is not None:
            row.clicked.connect(lambda _on=False: self.time_chosen.emit(found.time_s))
        value = match.value if match.slot != "order" else ""
        return self._with_menu(row, match.slot, value, match.title)

    def _value(self, value: SkeletonValue, shown: Skeletons) -> QWidget:
        slot = next((one for one in shown.slots if one.slot == value.slot), None)
        title = slot.title if slot is not None else value.slot
        shows = value.title if value.holds else f"not: {value.title}"
        row = SkeletonRow((shows, title), (span(value), source(value)), probability=value.probability)
        tip = value_tip(value)
        if slot is not None and slot.none >= 0:
            tip += f" None of these: {slot.none:.2f}."
        row.tell(tip)
        row.clicked.connect(lambda _on=False: self.time_chosen.emit(value.time_s))
        return self._with_menu(row, value.slot, value.value, value.title)

    def _with_menu(self, row: SkeletonRow, slot: str, value: str, title: str) -> QWidget:
        """A row with its corrections beside it."""
        self.rows.append(row)
        made = QWidget()
        line = QHBoxLayout(made)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(2)
        line.addWidget(row, 1)
        if value:
            line.addWidget(correct_button(self.model, slot, value, title))
        else:
            line.addSpacing(34)
        return made

    # --- places --------------------------------------------------------------------------------------

    def _menu_button(self, text: str, tip: str) -> QPushButton:
        made = button(text)
        made.setToolTip(tip)
        return made

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(self.summary)
        column.addWidget(self._notes)
        heads = QHBoxLayout(self._heads)
        heads.setContentsMargins(8 + 18, 4, 36 + 8, 0)
        heads.setSpacing(0)
        heads.addWidget(label("THE QUERY ASKS", "section"), 44)
        heads.addWidget(label("THE CLIP SHOWS", "section"), 56)
        column.addWidget(self._heads)
        for rows in (self._matches, self._values):
            rows.setSpacing(4)
        column.addLayout(self._matches)
        column.addSpacing(8)
        column.addWidget(self._else)
        column.addLayout(self._values)
        foot = QHBoxLayout(self._foot)
        foot.setContentsMargins(0, 8, 0, 0)
        foot.setSpacing(4)
        self._fill_menus()
        for part in (self.add, self.export):
            foot.addWidget(part)
        foot.addStretch(1)
        foot.addWidget(self.undo)
        foot.addWidget(self.redo)
        column.addWidget(self._foot)
        column.addStretch(1)

    def _fill_menus(self) -> None:
        adding = QMenu(self.add)
        adding.aboutToShow.connect(lambda: add_menu(adding, self.model))
        self.add.setMenu(adding)
        exporting = QMenu(self.export)
        exporting.addAction("JSON").triggered.connect(lambda: self.model.export("json"))
        exporting.addAction("OpenLABEL 1.0 tags").triggered.connect(lambda: self.model.export("openlabel"))
        self.export.setMenu(exporting)


def _unread(shown: Skeletons) -> tuple[str, ...]:
    """A sentence about what of the query was not understood."""
    if not shown.not_understood:
        return ()
    words = ", ".join(f"“{part}”" for part in shown.not_understood)
    return (f"Not understood: {words}.",)
