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
@page { size: A4; margin: 14mm; }
* { box-sizing: border-box; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
body { font: 14px/1.5 system-ui, sans-serif; color: #13191c; background: #fff; margin: 40px auto; max-width: 1080px;
  padding: 0 24px; }
h1 { font-size: 24px; line-height: 1.25; margin: 0 0 4px; text-wrap: balance; }
h2 { font-size: 16px; margin: 0 0 10px; padding-top: 24px; border-top: 1px solid #dfe5e8; break-after: avoid; }
h2 + p { margin-top: 0; } section { margin-top: 28px; } section h2:not(:first-child) { margin-top: 28px; }
p { max-width: 78ch; } p.sub { color: #5f6d75; margin: 0 0 18px; } p.note { color: #5f6d75; font-size: 12px; }
p.lead { font-size: 15px; }
body > p.lead { font-size: 17px; margin: 0; padding: 14px 18px; border-left: 4px solid #0c7768; background: #f1f7f6;
  max-width: none; border-radius: 0 6px 6px 0; }
table { border-collapse: collapse; } td, th { padding: 4px 14px 4px 0; text-align: left; vertical-align: baseline;
  font-variant-numeric: tabular-nums; } th { font-weight: 600; border-bottom: 1px solid #b8c4c9; }
tr + tr td { border-top: 1px solid #edf1f2; } tr { break-inside: avoid; }
table.heat { width: 100%; table-layout: fixed; } table.heat td, table.heat th { padding: 2px 1px; font-size: 12px;
  font-weight: 400; text-align: center; border: 1px solid #fff; vertical-align: middle; }
table.heat th:first-child { width: 132px; text-align: right; padding-right: 8px; } table.heat small { color: #5f6d75; }
img { display: block; width: 100%; border-radius: 4px; }
.beside { display: flex; flex-wrap: wrap; gap: 0 48px; } .beside > div { flex: 1 1 520px; min-width: 0; }
.beside > div:first-child { flex: 0 1 330px; } .beside td:first-child { white-space: nowrap; }
.frames { display: grid; grid-template-columns: repeat(4, 1fr); gap: 14px 12px; margin: 12px 0; }
figure { margin: 0; break-inside: avoid; } figcaption { color: #3c484e; font-size: 11px; margin-top: 3px;
  font-variant-numeric: tabular-nums; }
.bar { display: flex; height: 18px; border-radius: 4px; overflow: hidden; margin: 4px 0 12px; }
footer { color: #5f6d75; font-size: 12px; margin-top: 36px; border-top: 1px solid #dfe5e8; padding-top: 8px; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 11px; } }
@media (max-width: 700px) { .frames { grid-template-columns: repeat(2, 1fr); } section { overflow-x: auto; } }
"""
_HOT: Final = (12, 119, 104)
_HALF: Final = 0.55


def page(title: str, subtitle: str, lead: str, sections: Sequence[str], footer: str) -> str:
    """The whole document; `sections` are pieces of HTML, the other texts plain. `lead` says it all in a sentence."""
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; img-src data:; style-src"
        " 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1><p class='sub'>{escape(subtitle)}</p>"
        f"<p class='lead'>{escape(lead)}</p>"
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
