"""Which empty state fits: where the person is, and what to do next. Decides; draws nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from core.protocol import LibraryInfo
from explorer import formats
from explorer.session import DEMO, Session

EXAMPLES: Final = (
    "a pedestrian crossing the road",
    "a red car ahead",
    "night drive in the rain",
    "stopping at a red traffic light",
    "turning left at an intersection",
    "snow on the road",
)
"""For a library that brings no example queries of its own."""
_MOST_EXAMPLES: Final = 8


@dataclass(frozen=True)
class Offer:
    """A way on: a button (the first is the primary one)."""

    text: str
    icon: str
    run: Callable[[], object]


@dataclass(frozen=True)
class EmptyView:
    """What the middle shows in place of results."""

    icon: str
    headline: str
    sentence: str
    offers: tuple[Offer, ...] = ()
    examples: tuple[str, ...] = ()


def choose(session: Session, add_footage: Callable[[], object]) -> EmptyView:
    """The view for the session as it is now."""
    library, ranked = session.library, session.ranked
    add = Offer("Add footage…", "folder-add", add_footage)
    if library is None:
        return _without_library(session, add)
    if library.clips == 0:
        sentence = "Add a folder of driving video. What is indexed can be searched while the rest still runs."
        return EmptyView("film", "This library is empty", sentence, (add,))
    if ranked is not None and not ranked.hits:
        return EmptyView("search", "No clip to rank", _nothing_found(session), examples=_examples(library))
    if ranked is None and session.query and session.searching:
        return EmptyView("search", "Searching…", f"{formats.count(library.clips, 'clip')} are being ranked.")
    sentence = "Describe what the camera sees, as you would caption a picture. Or start with one of these:"
    return EmptyView("search", "What are you looking for?", sentence, examples=_examples(library))


def _without_library(session: Session, add: Offer) -> EmptyView:
    link = session.link
    if link.view.status == "failed":
        run = link.start if link.view.gave_up else link.restart
        restart = Offer("Start the engine again", "refresh", run)
        return EmptyView("error", "The engine is not running", link.view.detail, (restart,))
    if session.opening_path:
        return EmptyView("library", "Opening the library…", _opening_text(session))
    demo = Offer("Open the demo", "play", lambda: session.open_library(DEMO))
    sentence = "Drop a folder of driving video here, open a library, or look around in the demo first."
    return EmptyView("library", "Find the moment in your drives", sentence, (demo, add))


def _opening_text(session: Session) -> str:
    if not session.link.client.ready:
        return "It opens as soon as the engine is up."
    if session.link.view.status == "starting":
        return session.link.view.detail
    if session.opening_path == DEMO:
        return "At its first start the demo library is built, which takes about a minute."
    return "Its vectors are mapped into memory and checked against the models."


def _nothing_found(session: Session) -> str:
    if session.filters.video_ids:
        return "The chosen videos hold no clip. Search in all videos, or choose others on the left."
    return "Nothing in this library answers. Try other words:"


def _examples(library: LibraryInfo) -> tuple[str, ...]:
    return library.example_queries[:_MOST_EXAMPLES] or EXAMPLES
