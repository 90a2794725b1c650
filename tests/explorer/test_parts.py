"""The small things that every panel uses."""

from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from explorer import theme
from explorer.widgets.parts import ElidedLabel, button, lead, plain_tip, retint


def test_a_tooltip_says_a_text_as_it_is(qtbot):
    assert plain_tip("/films/a < b & c.mp4") == "/films/a < b & c.mp4"
    assert plain_tip("<b>bold</b>\n<img src='x'>").startswith("<p>&lt;b&gt;bold&lt;/b&gt;")
    narrow = ElidedLabel()
    qtbot.addWidget(narrow)
    narrow.resize(40, 20)
    narrow.setText("<i>a name that does not fit</i>")
    assert "&lt;i&gt;" in narrow.toolTip()
    assert narrow.text() == "<i>a name that does not fit</i>"


def test_another_theme_tints_buttons_and_fields_alike(qtbot, qapp):
    theme.apply(qapp, "dark")
    root, field, pressed = QWidget(), QLineEdit(), button("Add", "filter")
    qtbot.addWidget(root)
    layout = QVBoxLayout(root)
    layout.addWidget(field)
    layout.addWidget(pressed)
    lead(field, "filter")

    def seen():
        return [owner.icon().pixmap(20, 20).toImage() for owner in (field.actions()[0], pressed)]

    dark = seen()
    theme.apply(qapp, "light")
    retint(root)
    light = seen()
    assert all(one != other for one, other in zip(dark, light, strict=True))
    theme.apply(qapp, "dark")
    retint(root)
    assert seen() == dark
