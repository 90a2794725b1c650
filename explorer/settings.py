"""Every setting in one table. A new one is one row; the settings dialog is generated from it.

Values live in QSettings (an INI file, see `places.py`) and are read through `Settings`,
which checks them: a hand-edited file can be wrong, the window then uses the default.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, Signal

from explorer.places import settings_store

Value = str | int | float | bool


@dataclass(frozen=True)
class Setting:
    """One row. `choices` are (value, label); without them a bool is a check box, a number a spin box."""

    key: str
    default: Value
    label: str
    note: str = ""
    choices: tuple[tuple[Value, str], ...] = ()
    low: float = 0.0
    high: float = 0.0
    shown: bool = True  # in the settings dialog


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting("look/theme", "dark", "Theme", choices=(("dark", "Dark"), ("light", "Light"))),
    Setting("look/columns", 4, "Columns of results", "Fewer when the window is narrow.", low=2, high=8),
    Setting("search/as_you_type", True, "Search while typing", "Otherwise Enter starts a search."),
    Setting("search/rerank", True, "Rerank with X-CLIP", shown=False),
    Setting("search/joint", False, "Weigh skeletons in", "The rerank also counts how well each slot agrees."),
    Setting("search/one_per_video", False, "One clip per video", shown=False),
    Setting("search/by_time", False, "In the order of time", shown=False),
    Setting("search/hits", 200, "Clips returned", low=20, high=1000),
    Setting("player/autoplay", True, "Play a clip when it is selected"),
    Setting(
        "player/max_height",
        480,
        "Height of decoded frames",
        "Higher is sharper and takes longer to open.",
        choices=((360, "360 pixels"), (480, "480 pixels"), (720, "720 pixels"), (1080, "1080 pixels")),
    ),
    Setting(
        "index/clip_seconds", 8.0, "Length of a clip (s)", "For footage added from now on.", low=1, high=120
    ),
    Setting("index/stride_s", 0.0, "Step between clips (s)", "0 means: no overlap.", low=0, high=120),
    Setting("heat/opacity", 80, "Opacity of heatmaps (%)", low=0, high=100),
    Setting("index/bundle", "", "", shown=False),  # for new libraries; "" is the engine's default
    Setting("window/geometry", "", "", shown=False),
    Setting("window/state", "", "", shown=False),
    Setting("window/sidebar", True, "", shown=False),
    Setting("window/inspector", True, "", shown=False),
    Setting("history/queries", "[]", "", shown=False),
    Setting("history/libraries", "[]", "", shown=False),
    Setting("keys/changed", "{}", "", shown=False),
)
_BY_KEY: Final = {row.key: row for row in SETTINGS}


class Settings(QObject):
    """Checked access to the table.

    Signals:
        changed(key): after a value was set to something else.
    """

    changed = Signal(str)

    def __init__(self, parent: QObject | None = None, *, keep: bool = True) -> None:
        super().__init__(parent)
        self._keep = keep  # else nothing is written: a picture of the window changes nobody's settings
        self._fleeting: dict[str, Value] = {}
        self._store = settings_store(self)

    def get(self, key: str) -> Value:
        """The stored value if it fits its row, else the default."""
        row = _BY_KEY[key]
        return self._fleeting[key] if key in self._fleeting else _fitting(row, self._store.value(key, None))

    def text(self, key: str) -> str:
        """A setting that is a text."""
        return str(self.get(key))

    def flag(self, key: str) -> bool:
        """A setting that is on or off."""
        return bool(self.get(key))

    def number(self, key: str) -> float:
        """A setting that is a number."""
        return float(self.get(key))

    def strings(self, key: str) -> list[str]:
        """A setting that is a list of texts, stored as JSON."""
        try:
            value = json.loads(self.text(key))
        except ValueError:
            return []
        return [str(item) for item in value] if isinstance(value, list) else []

    def set(self, key: str, value: Value, *, keep: bool = True) -> None:
        """Store a value, or with `keep` off for this start only. Raises KeyError for a key not in the table."""
        if self.get(key) == value:
            return
        if keep and self._keep:
            self._fleeting.pop(key, None)
            self._store.setValue(_BY_KEY[key].key, value)
        else:
            self._fleeting[_BY_KEY[key].key] = value
        self.changed.emit(key)

    def set_strings(self, key: str, values: list[str]) -> None:
        """Store a list of texts."""
        self.set(key, json.dumps(values, ensure_ascii=False))

    def save(self) -> None:
        """Write to disk now."""
        self._store.sync()


def _fitting(row: Setting, stored: object) -> Value:
    """`stored` (INI files give text) as the row's type and inside its bounds, else the default."""
    if stored is None:
        return row.default
    value: Value
    try:
        if isinstance(row.default, bool):
            value = str(stored).lower() in ("true", "1")
        elif isinstance(row.default, int):
            value = int(float(str(stored)))
        elif isinstance(row.default, float):
            value = float(str(stored))
        else:
            value = str(stored)
    except ValueError:
        return row.default
    if row.choices and value not in [choice for choice, _ in row.choices]:
        return row.default
    if row.high and isinstance(value, int | float) and not row.low <= value <= row.high:
        return row.default
    return value
