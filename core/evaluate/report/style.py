"""How a report looks: one table of tokens for screen and paper, and the style sheet made from it.

Numbers have digits of one width and stand flush right; every distance is a multiple of 4 pixels. On paper the light
colours hold, cases are not torn apart, and heads of tables are repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LIGHT: Final[Mapping[str, str]] = {
    "page": "#ffffff",
    "surface": "#f5f7f8",
    "line": "#dfe5e8",
    "strong": "#9aa8af",
    "text": "#13191c",
    "text-2": "#435058",
    "text-3": "#5f6d75",
    "accent": "#0c7768",
    "band": "#a9d8d0",
    "up": "#1d7a3a",
    "down": "#b3402d",
    "warn": "#8a5a00",
    "warn-soft": "#fbf0d9",
}
"""Colours by day and on paper; the window's light scheme."""
DARK: Final[Mapping[str, str]] = {
    "page": "#0f1214",
    "surface": "#181d20",
    "line": "#2a3238",
    "strong": "#56636b",
    "text": "#e9edef",
    "text-2": "#b0bac0",
    "text-3": "#87939a",
    "accent": "#56c7b5",
    "band": "#2b5f57",
    "up": "#74cf8a",
    "down": "#ee9382",
    "warn": "#e8bd6d",
    "warn-soft": "#2d2618",
}
"""The same names for screens of people who chose dark."""

_RULES: Final = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:1040px;padding:32px 24px 64px;background:var(--page);color:var(--text);
 font:14px/1.5 Inter,"Segoe UI",system-ui,-apple-system,"Helvetica Neue",Arial,sans-serif;
 font-variant-numeric:tabular-nums;print-color-adjust:exact;-webkit-print-color-adjust:exact}
h1{font-size:26px;line-height:1.25;font-weight:650;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:18px;line-height:1.35;font-weight:650;margin:48px 0 4px;padding-top:16px;border-top:1px solid var(--line)}
h3{font-size:14px;font-weight:650;margin:24px 0 8px}
p{margin:0 0 12px;max-width:75ch}
a{color:var(--accent);text-decoration:none}
a:hover{text-decoration:underline}
.quiet{color:var(--text-3)}
.lead{color:var(--text-2)}
.small{font-size:12px}
.up{color:var(--up)}
.down{color:var(--down)}
.mono{font:12px/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
nav{margin:16px 0 0;display:flex;gap:20px;flex-wrap:wrap;font-size:13px}
.note{background:var(--warn-soft);color:var(--warn);border-radius:6px;padding:8px 12px;margin:12px 0;font-size:13px}
.cards{display:grid;grid-template-columns:repeat(6,1fr);gap:12px;margin:20px 0 8px}
.card{background:var(--surface);border-radius:8px;padding:12px}
.card b{display:block;font-size:24px;line-height:1.2;font-weight:650;letter-spacing:-.02em}
.card .name{font-size:12px;color:var(--text-2)}
.card .range{font-size:12px;color:var(--text-3);white-space:nowrap}
table{border-collapse:collapse;width:100%;font-size:13px;margin:8px 0 16px}
th{font-weight:550;color:var(--text-3);font-size:12px;text-align:left;border-bottom:1px solid var(--strong);
 vertical-align:bottom}
th,td{padding:5px 12px 5px 0;vertical-align:top}
td{border-bottom:1px solid var(--line)}
tr:last-child td{border-bottom:0}
th:last-child,td:last-child{padding-right:0}
th.n,td.n{text-align:right;white-space:nowrap}
td.bar{width:200px;min-width:96px;vertical-align:middle}
td.key{white-space:nowrap}
.track{position:relative;height:10px;background:var(--surface);border-radius:2px}
.track i{position:absolute;top:0;bottom:0;display:block}
.track .band{background:var(--band);border-radius:2px}
.track .tick{width:2px;margin-left:-1px;background:var(--accent)}
.track .mark{width:0;border-left:1px dashed var(--text-3)}
.two{display:grid;grid-template-columns:1fr 1fr;gap:32px}
.sides{display:grid;grid-template-columns:1.4fr 1fr;gap:28px;align-items:start}
.two>*,.sides>*{min-width:0}
svg{display:block;width:100%;height:auto}
svg text{font:11px Inter,"Segoe UI",system-ui,-apple-system,"Helvetica Neue",Arial,sans-serif;fill:var(--text-3);
 font-variant-numeric:tabular-nums}
svg .axis{stroke:var(--strong);stroke-width:1;fill:none}
svg .grid{stroke:var(--line);stroke-width:1;fill:none}
svg .win{fill:var(--up)}svg .loss{fill:var(--down)}svg .draw{fill:var(--text-3)}
svg .dot{fill-opacity:.55}
svg .first{fill:var(--strong)}svg .final{fill:var(--accent)}
.case{margin:16px 0 24px;padding:16px 0 0;border-top:1px solid var(--line)}
.case h3{margin:0 0 4px;font-size:15px}
.case .facts{color:var(--text-2);font-size:13px;margin:0 0 8px;max-width:none}
.chips{display:flex;flex-wrap:wrap;gap:6px;margin:0 0 12px}
.chip{font-size:12px;background:var(--surface);color:var(--text-2);border-radius:10px;padding:1px 9px}
.chip.no{text-decoration:line-through}
.chip.judged{background:var(--warn-soft);color:var(--warn)}
figure{margin:0}
figcaption{font-size:12px;color:var(--text-2);margin:0 0 6px;overflow-wrap:anywhere}
figcaption b{color:var(--text);font-weight:600}
.frames{display:grid;grid-template-columns:repeat(3,1fr);gap:4px}
.frames img{display:block;width:100%;height:auto;border-radius:3px;background:#10151a}
.frames span{font-size:11px;color:var(--text-3);margin:-2px 0 2px}
.frames .doubt{color:var(--warn)}
table.words{margin-top:12px}
table.words{font-size:12px;line-height:1.35}
table.words td{padding-top:1px;padding-bottom:1px;border:0}
.diff{position:relative;height:12px;background:linear-gradient(var(--line),var(--line)) center/1px 100% no-repeat}
.diff i{position:absolute;top:2px;bottom:2px;display:block;border-radius:1px}
.diff .for{background:var(--up)}
.diff .against{background:var(--down)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;margin:8px 0 16px;font-size:13px}
dt{color:var(--text-3)}
dd{margin:0;overflow-wrap:anywhere}
footer{margin-top:48px;padding-top:12px;border-top:1px solid var(--line);color:var(--text-3);font-size:12px}
@media (max-width:760px){.cards{grid-template-columns:repeat(3,1fr)}.two,.sides{grid-template-columns:1fr}}
@page{size:A4;margin:14mm 13mm}
@media print{
 body{max-width:none;padding:0;font-size:10pt}
 nav{display:none}
 a{color:inherit}
 h1{font-size:18pt}
 h2{font-size:13pt;margin-top:24px;break-after:avoid}
 h3{break-after:avoid}
 table{font-size:8.5pt}
 th{font-size:8pt}
 th,td{padding:3pt 8px 3pt 0}
 thead{display:table-header-group}
 tr,.case,.card,figure,.keep{break-inside:avoid}
 .two{grid-template-columns:1fr 1fr;gap:20px}
 .sides{grid-template-columns:1.5fr 1fr;gap:16px}
 .cards{grid-template-columns:repeat(6,1fr);gap:8px}
 .card{padding:8px}
 .card b{font-size:16pt}
 .card .range,.card .name{font-size:8pt}
 td.bar{width:150px}
}
"""


def style_sheet() -> str:
    """The whole style sheet. It names no file and no address."""
    dark = f"@media screen and (prefers-color-scheme:dark){{:root{{color-scheme:dark;{_variables(DARK)}}}}}"
    return f":root{{{_variables(LIGHT)}}}{dark}{_RULES}"


def _variables(tokens: Mapping[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in tokens.items())
