"""Saving an explanation: gathers what every tab and the heatmap have to say, then writes a page and a picture.

Tabs that were never in front, and a heatmap that is off, are asked for first; the engine does the same work for them
as for the window. Another clip or query in the inspector ends it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer

from core.protocol import Hit, LibraryInfo
from explorer import exports, exports_html, exports_picture, formats
from explorer.engine_client import EngineClient
from explorer.models.heat import Heat
from explorer.models.thumbnails import Thumbnails
from explorer.settings import Settings
from explorer.widgets.heat_report import heat_pictures, heat_report
from explorer.widgets.inspector_page import InspectorPage
from explorer.widgets.why_page import WhyPage

_LOOK_MS: Final = 40
_SAY_MS: Final = 400
"""What is ready sooner needs no word that it is being made."""


class Saving(QObject):
    """One explanation at a time on its way to disk."""

    def __init__(
        self,
        client: EngineClient,
        settings: Settings,
        thumbnails: Thumbnails,
        say: Callable[[str, str], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._thumbnails = thumbnails
        self._say = say
        self._heat = Heat(client, settings, self)
        self._pages: tuple[InspectorPage, ...] = ()
        self._why: WhyPage | None = None
        self._path = ""
        self._footer = ""
        self._subject: tuple[str, int] = ("", -1)
        self._looking = QTimer(self)
        self._looking.setInterval(_LOOK_MS)
        self._looking.timeout.connect(self._look)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(_SAY_MS)
        self._patience.timeout.connect(self._tell)

    @property
    def busy(self) -> bool:
        """Whether something is still being gathered."""
        return self._looking.isActive()

    def begin(
        self, path: str, pages: tuple[InspectorPage, ...], why: WhyPage, shown: Heat, library: LibraryInfo
    ) -> None:
        """Save what the inspector shows. `shown` is the window's heatmap: the page has the same one, on or off."""
        hit = why.hit
        if hit is None:
            return
        self._path, self._pages, self._why = path, pages, why
        self._subject = (why.query, hit.clip_id)
        self._footer = (
            f"Drivescope · library {library.name} · bundle {library.bundle} ({library.bundle_label})"
        )
        for page in pages:
            page.gather()
        self._heat.show_as(shown)
        self._heat.on = True
        self._looking.start()
        self._patience.start()
        self._look()

    def _tell(self) -> None:
        self._say(
            "info", "Gathering the explanation: the page is written as soon as every heatmap is tested."
        )

    def _look(self) -> None:
        """Write as soon as everything is there, or will never be."""
        why = self._why
        hit = why.hit if why is not None else None
        if why is None or hit is None or (why.query, hit.clip_id) != self._subject:
            self._end()
            self._say("info", "The explanation was not saved: another clip or query was chosen meanwhile.")
            return
        strip = self._thumbnails.strip(hit.clip_id)
        pictured = strip is not None or self._thumbnails.is_empty(hit.clip_id)
        if pictured and not self._heat.waiting and all(page.ready for page in self._pages):
            problem = self._write(why, hit)
            self._end()
            told = f"Saved to {self._path}, and as a picture beside it."
            self._say("error" if problem else "info", problem or told)

    def _end(self) -> None:
        self._looking.stop()
        self._patience.stop()
        self._heat.on = False

    def _write(self, why: WhyPage, hit: Hit) -> str:
        """The page, then the picture. Returns "" or one sentence saying what was not written."""
        heat = self._heat
        title = f"Why “{why.query}” finds {formats.file_name(hit.video)}"
        place = f"{formats.exact_clock(hit.start_s)} – {formats.exact_clock(hit.end_s)}"
        subtitle = f"Rank {hit.rank} · {place}"
        frames = heat_pictures(heat.current, self._thumbnails.strip(hit.clip_id), heat.opacity)
        sections = [page.report() for page in self._pages]
        sections.insert(0, heat_report(heat.current, about(heat), heat.failure, frames))
        text = exports_html.page(title, subtitle, why.sentence.text(), sections, self._footer)
        beside = [page for page in self._pages if page is not why and page.report()]
        image = exports_picture.poster(
            title, subtitle, frames, [column for column in ([why], beside) if column]
        )
        picture = str(Path(self._path).with_suffix(".png"))
        return exports.write_atomically(self._path, text) or exports_html.save_picture(picture, image)


def about(heat: Heat) -> str:
    """What the maps were asked for, in words."""
    wish = heat.wish
    if wish is None:
        return ""
    if wish.phrase:
        return f"the words “{wish.phrase}”"
    return f"the query rather than “{wish.against}”" if wish.against else "the whole query"
