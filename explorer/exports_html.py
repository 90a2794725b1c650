"""An explanation as one HTML page that needs nothing beside itself: no script, no link, pictures inside.

Every tab of the inspector may add a piece (`InspectorPage.report`); texts are escaped where a piece is made.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import Final

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSaveFile
from PySide6.QtGui import QImage, QImageWriter

_STYLE: Final = """
body { font: 14px/1.5 system-ui, sans-serif; color: #13191c; background: #fff; margin: 32px auto; max-width: 1080px;
  padding: 0 16px; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 15px; margin: 28px 0 8px; }
p.sub { color: #5f6d75; margin: 0 0 16px; } p.lead { font-size: 16px; }
table { border-collapse: collapse; } td, th { padding: 3px 10px 3px 0; text-align: left; vertical-align: bottom;
  font-variant-numeric: tabular-nums; } th { font-weight: 600; }
table.heat td, table.heat th { padding: 2px; text-align: center; font-size: 12px; font-weight: 400; }
table.heat th:first-child { text-align: right; padding-right: 8px; }
img { max-width: 100%; border-radius: 4px; } table.heat img { width: 72px; }
.bar { display: flex; height: 16px; border-radius: 4px; overflow: hidden; margin: 4px 0 12px; max-width: 640px; }
footer { color: #5f6d75; font-size: 12px; margin-top: 32px; border-top: 1px solid #dfe5e8; padding-top: 8px; }
"""
_HOT: Final = (12, 119, 104)
_HALF: Final = 0.55


def page(title: str, subtitle: str, sections: Sequence[str], footer: str) -> str:
    """The whole document; `sections` are pieces of HTML, the other texts plain."""
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; img-src data:; style-src"
        " 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1><p class='sub'>{escape(subtitle)}</p>"
        + "".join(f"<section>{section}</section>" for section in sections if section)
        + f"<footer>{escape(footer)}</footer></body></html>\n"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the cells are HTML already, the headings plain."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def heat_cell(value: float, part: float) -> str:
    """A number on a ground between white (`part` 0) and the accent (1)."""
    red, green, blue = (round(255 + (ink - 255) * min(max(part, 0.0), 1.0)) for ink in _HOT)
    ink = "#fff" if part > _HALF else "#13191c"
    return f"<td style='background:rgb({red},{green},{blue});color:{ink}'>{value:.2f}</td>"


def picture(image: QImage, text: str) -> str:
    """A picture inside the page, as JPEG."""
    data = base64.b64encode(_packed(image, "JPEG")).decode()
    return f"<img alt='{escape(text, quote=True)}' src='data:image/jpeg;base64,{data}'>"


def save_picture(path: str, image: QImage) -> str:
    """Write a PNG whole or not at all. Returns "" or one sentence saying why it was not written."""
    file = QSaveFile(path)
    if not file.open(QIODevice.OpenModeFlag.WriteOnly):
        return f"{path} cannot be written: {file.errorString()}."
    data = _packed(image, "PNG")
    if file.write(QByteArray(data)) != len(data):
        file.cancelWriting()
    return "" if file.commit() else f"{path} was not written: {file.errorString()}."


def _packed(image: QImage, form: str) -> bytes:
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, QByteArray(form.encode()))
    writer.setQuality(85 if form == "JPEG" else -1)
    writer.write(image)
    return bytes(data.data())
