"""HTML elements as text that is escaped unless it is an element already."""

from __future__ import annotations

from html import escape
from typing import Final

VOID: Final = frozenset({"meta", "img", "br", "circle", "line", "rect", "path"})
"""Elements that hold nothing."""


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Part = str | int | None
"""What an element can hold: an element, text or a number, or nothing."""


def el(name: str, /, *parts: Part, **attributes: str | float | bool | None) -> Html:
    """One element. A trailing underscore of an attribute's name is dropped, others become hyphens.

    Attributes that are None or False are left out, True stands without a value.
    """
    told = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID:
        return Html(f"<{name}{told}/>")
    return Html(f"<{name}{told}>{join(*parts)}</{name}>")


def join(*parts: Part) -> Html:
    """Elements and texts one behind the other."""
    return Html("".join(_shown(part) for part in parts if part is not None))


def _shown(part: str | int) -> str:
    return str(part) if isinstance(part, Html) else escape(str(part))


def _attribute(name: str, value: str | float | bool | None) -> str:
    plain = name.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {plain}" if value is True else f' {plain}="{escape(str(value))}"'
