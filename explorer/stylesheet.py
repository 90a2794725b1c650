"""The style sheet, written once with the names of tokens and filled in per scheme."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from explorer.theme import Tokens

_SHEET: Final = """
* { font-size: 13px; }
QMainWindow, QDialog, #centre, #results { background: @window; }
QWidget { color: @text; }
QToolTip { background: @raised; color: @text; border: 1px solid @line_strong; padding: 6px 8px; }
#topBar { background: @surface; border-bottom: 1px solid @line; }
#sidebar { background: @surface; border-right: 1px solid @line; }
#inspector { background: @surface; border-left: 1px solid @line; }
#jobsStrip { background: @surface; border-top: 1px solid @line; }
QSplitter::handle { background: @window; }
QAbstractSpinBox QLineEdit { border: none; padding: 0; min-height: 0; background: transparent; }
QTableView::item { padding: 0 8px; }
#fullScreen { background: #000000; }
#fullScreen QLabel, #fullScreen QToolButton { color: @on_media; }
QLineEdit QToolButton { min-width: 0; min-height: 0; border: none; padding: 0; background: transparent; }
QSplitter::handle:hover { background: @accent; }

QLabel { background: transparent; }
QLabel[role="headline"] { font-size: 22px; font-weight: 600; }
QLabel[role="title"] { font-size: 15px; font-weight: 600; }
QLabel[role="section"] { font-size: 11px; font-weight: 600; color: @text_3; }
QLabel[role="secondary"] { color: @text_2; }
QLabel[role="quiet"] { color: @text_3; font-size: 12px; }
QLabel[role="caption"] { color: @text_3; font-size: 11px; }
QLabel[role="strong"] { font-weight: 600; }
QLabel[role="differs"] { color: @warning; font-size: 11px; font-weight: 600; }
QLabel[role="chip"] {
  background: @accent_soft; color: @accent; border-radius: 4px; padding: 2px 6px; font-size: 11px;
  font-weight: 500; }

QLineEdit, QAbstractSpinBox, QComboBox, QKeySequenceEdit QLineEdit {
  background: @raised; border: 1px solid @line; border-radius: 6px; padding: 0 8px; min-height: 30px;
  selection-background-color: @accent; selection-color: @on_accent; }
QLineEdit:hover, QAbstractSpinBox:hover, QComboBox:hover { border-color: @line_strong; }
QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus { border: 1px solid @accent; }
QLineEdit#queryField { font-size: 15px; min-height: 38px; border-radius: 10px; padding: 0 4px; }
QLineEdit#queryField[drop="true"] { border: 2px dashed @accent; }
QLabel#whySentence { font-size: 15px; }
QToolButton[role="small"] {
  min-height: 18px; padding: 0 6px; font-size: 11px; font-weight: 400; color: @text_2; border-radius: 4px; }
QToolButton[role="small"]:checked { color: @accent; }
QToolButton[role="small"]:disabled { color: @text_3; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox::down-arrow { image: url("@chevron_file"); width: 14px; height: 14px; }
QComboBox QAbstractItemView {
  background: @raised; border: 1px solid @line_strong; selection-background-color: @accent_soft;
  selection-color: @text; outline: 0; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { width: 0; border: none; }

QPushButton {
  background: @raised; border: 1px solid @line; border-radius: 6px; padding: 0 12px; min-height: 30px;
  font-weight: 500; }
QPushButton:hover { background: @hover; border-color: @line_strong; }
QPushButton:pressed { background: @pressed; }
QPushButton:focus { border: 1px solid @accent; }
QPushButton:disabled { color: @text_3; background: @surface; border-color: @line; }
QPushButton[role="primary"] {
  background: @accent; color: @on_accent; border: 1px solid @accent; font-weight: 600; }
QPushButton[role="primary"]:hover { background: @accent_hover; border-color: @accent_hover; }
QPushButton[role="primary"]:focus { border: 2px solid @text; }
QPushButton[role="primary"]:disabled { background: @raised; color: @text_3; border-color: @line; }
QPushButton[role="chip"] {
  border-radius: 16px; padding: 0 14px; min-height: 32px; font-weight: 400; color: @text_2; }
QPushButton[role="chip"]:hover { color: @text; }
QPushButton[role="state"] {
  border-radius: 12px; padding: 0 8px; min-height: 24px; font-weight: 400; background: @accent_soft; color: @accent;
  border-color: @accent_soft; }
QPushButton[role="state"]:hover, QPushButton[role="state"]:focus { border-color: @accent; }
QPushButton[role="key"] {
  border: 1px solid @line_strong; border-radius: 4px; padding: 0 6px; min-height: 20px; font-size: 12px; }
QPushButton[role="link"] {
  background: transparent; border: 1px solid transparent; color: @accent; padding: 0 4px; min-height: 24px;
  text-align: left; }
QPushButton[role="link"]:hover { color: @accent_hover; background: transparent; }
QPushButton[role="link"]:focus { border: 1px solid @accent; }
QPushButton[role="row"] {
  background: transparent; border: 1px solid transparent; text-align: left; padding: 0 8px;
  min-height: 30px; font-weight: 400; color: @text_2; }
QPushButton[role="row"]:hover { background: @hover; color: @text; }
QPushButton[role="row"]:focus { border: 1px solid @accent; }

QToolButton {
  background: transparent; border: 1px solid transparent; border-radius: 6px; min-width: 30px;
  min-height: 30px; padding: 0; font-weight: 500; }
QToolButton:hover { background: @hover; }
QToolButton:pressed { background: @pressed; }
QToolButton:checked { background: @accent_soft; color: @accent; }
QToolButton:focus { border: 1px solid @accent; }
QToolButton:disabled { color: @text_3; }
QToolButton::menu-indicator { image: none; width: 0; }
QToolButton[role="labelled"] { padding: 0 8px; }
QToolButton[role="badge"] {
  background: @raised; border: 1px solid @line; padding: 0 10px; font-weight: 400; color: @text_2; }
QToolButton[role="badge"]:hover { background: @hover; border-color: @line_strong; }
QToolButton[role="badge"]:focus { border: 1px solid @accent; }

QCheckBox { spacing: 8px; min-height: 24px; }
QCheckBox::indicator {
  width: 16px; height: 16px; border: 1px solid @line_strong; border-radius: 4px; background: @raised; }
QCheckBox::indicator:checked { background: @accent; border-color: @accent; image: url("@check_file"); }
QCheckBox:focus { color: @accent; }

QTabBar#inspectorTabs { border-bottom: 1px solid @line; }
QTabBar::tab {
  background: transparent; color: @text_2; border: none; border-bottom: 2px solid transparent;
  padding: 6px 4px; min-width: 48px; font-weight: 500; }
QTabBar::tab:hover { color: @text; }
QTabBar::tab:selected { color: @text; border-bottom: 2px solid @accent; }
QTabBar::tab:focus { color: @accent; }

QListView, QTreeView, QTableView {
  background: transparent; border: 1px solid transparent; border-radius: 6px; outline: 0; }
QListView:focus, QTableView:focus { border: 1px solid @line_strong; }
QListView::item { border-radius: 4px; padding: 0; }
QListView#offers {
  background: @raised; border: 1px solid @line_strong; border-radius: 6px; padding: 4px;
  selection-background-color: @accent_soft; selection-color: @text; }
QListView#offers::item { min-height: 28px; padding: 0 8px; }
QListView#offers::item:selected { background: @accent_soft; color: @text; }
QListView#hits { border: none; background: @window; }
QTableView { gridline-color: @line; selection-background-color: @accent_soft; selection-color: @text; }
QHeaderView::section {
  background: @surface; color: @text_3; border: none; border-bottom: 1px solid @line; padding: 6px 8px;
  font-size: 11px; font-weight: 600; }

QMenu { background: @raised; border: 1px solid @line_strong; border-radius: 6px; padding: 4px; }
QMenu::item { padding: 6px 24px 6px 12px; border-radius: 4px; }
QMenu::item:selected { background: @accent_soft; }
QMenu::item:disabled { color: @text_3; }
QMenu::separator { height: 1px; background: @line; margin: 4px 8px; }

QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar::handle:vertical { background: @pressed; border-radius: 4px; min-height: 40px; margin: 2px; }
QScrollBar::handle:vertical:hover { background: @line_strong; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 0; }
QScrollBar::handle:horizontal { background: @pressed; border-radius: 4px; min-width: 40px; margin: 2px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; border: none; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QScrollArea { background: transparent; border: none; }
QScrollArea > QWidget > QWidget { background: transparent; }

QProgressBar { background: @pressed; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; }
QProgressBar::chunk { background: @accent; border-radius: 3px; }
QSlider { min-height: 20px; }
QSlider::groove:horizontal { background: @pressed; height: 4px; border-radius: 2px; }
QSlider::sub-page:horizontal { background: @accent; border-radius: 2px; }
QSlider::handle:horizontal {
  background: @text; width: 12px; height: 12px; margin: -4px 0; border-radius: 6px; }
QSlider::handle:horizontal:focus { background: @accent; }

#analysisPage { background: @window; }
#analysisBar { background: @surface; }
#analysisParts { background: @surface; border-left: 1px solid @line; }
#clipView { background: transparent; border: 1px solid transparent; border-radius: 10px; }
#clipView[picked="true"] { background: @raised; border: 1px solid @line_strong; }
QLabel[role="metric"] { font-size: 20px; font-weight: 600; }
QPushButton[role="slice"], QPushButton[role="tag"] {
  border-radius: 12px; padding: 0 10px; min-height: 24px; font-size: 12px; font-weight: 400; color: @text_2; }
QPushButton[role="slice"]:hover, QPushButton[role="tag"]:hover { color: @text; }
QPushButton[role="verdict"] { min-height: 28px; padding: 0 10px; }
QPushButton[role="verdict"]:checked, QPushButton[role="tag"]:checked {
  background: @accent_soft; color: @accent; border-color: @accent; }
#analysisPage QHeaderView::up-arrow, #analysisPage QHeaderView::down-arrow {
  subcontrol-origin: padding; subcontrol-position: top center; width: 9px; height: 6px; }
#pairBar { background: @surface; border-top: 1px solid @line; }
QTabBar#analysisTabs { border-bottom: 1px solid @line; }
QTabBar#analysisTabs::tab { padding: 8px 16px; }
#pageSwitch { background: @raised; border: 1px solid @line; border-radius: 8px; }
#pageSwitch QToolButton { min-height: 28px; padding: 0 12px; border-radius: 6px; color: @text_2; }
#pageSwitch QToolButton:checked { background: @accent_soft; color: @accent; }

#banner[level="note"] { background: @warning_soft; border-bottom: 1px solid @line; }
#banner[level="info"] { background: @accent_soft; border-bottom: 1px solid @line; }
#banner[level="error"] { background: @error_soft; border-bottom: 1px solid @line; }
#card { background: @raised; border: 1px solid @line; border-radius: 10px; }
#rule { background: @line; max-height: 1px; min-height: 1px; border: none; }
"""


def style_sheet(tokens: Tokens) -> str:
    """The sheet with every `@token` filled in. Longer names come first, so that @text leaves @text_2 whole."""
    from explorer.icons import tinted_file  # here: the icons themselves read the tokens

    names: dict[str, str] = {
        **asdict(tokens),
        "chevron_file": tinted_file("chevron-down", tokens.text_2),
        "check_file": tinted_file("check", tokens.on_accent),
    }
    pattern = re.compile("@(" + "|".join(sorted(names, key=len, reverse=True)) + r")\b")
    return pattern.sub(lambda found: names[found.group(1)], _SHEET)
