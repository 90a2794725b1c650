"""Menus of the tab Skeleton: correct one value, add what is missing, export."""

from __future__ import annotations

from PySide6.QtWidgets import QMenu, QToolButton

from core.protocol import SkeletonValue
from explorer.models.skeleton import Skeleton
from explorer.widgets.parts import tool


def correct_button(model: Skeleton, slot: str, value: str, title: str) -> QToolButton:
    """A button whose menu corrects one value."""
    made = tool("more", f"Correct “{title}” in this clip")
    made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    menu = QMenu(made)
    menu.aboutToShow.connect(lambda: _fill(menu, model, slot, value, title))
    made.setMenu(menu)
    return made


def _fill(menu: QMenu, model: Skeleton, slot: str, value: str, title: str) -> None:
    """What can be said of a value as it stands now."""
    menu.clear()
    known = model.value(slot, value)
    if known is None or not known.holds:
        menu.addAction(f"The clip shows: {title}").triggered.connect(
            lambda: model.correct(slot, value, "holds")
        )
    if known is not None and (known.holds or not _by_hand(known)):
        menu.addAction(f"The clip does not show: {title}").triggered.connect(
            lambda: model.correct(slot, value, "not")
        )
    if known is not None and _by_hand(known):
        menu.addAction("Back to what the model says").triggered.connect(
            lambda: model.correct(slot, value, "withdrawn")
        )
    about = model.slot(slot)
    if about is not None and about.exclusive:
        add_choices(menu.addMenu("It is something else"), model, slot)


def _by_hand(value: SkeletonValue) -> bool:
    return value.source == "person"


def add_choices(menu: QMenu, model: Skeleton, slot: str) -> None:
    """One entry for every value of a slot that does not hold yet."""
    about = model.slot(slot)
    for name, title in about.choices if about is not None else ():
        known = model.value(slot, name)
        if known is None or not known.holds:
            action = menu.addAction(title)
            action.triggered.connect(lambda _on=False, chosen=name: model.correct(slot, chosen, "holds"))


def add_menu(menu: QMenu, model: Skeleton) -> None:
    """A submenu for every slot, with what is not seen yet."""
    menu.clear()
    for slot in model.shown.slots if model.shown is not None else ():
        add_choices(menu.addMenu(slot.title), model, slot.slot)
