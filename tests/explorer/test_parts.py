"""The small things that every panel uses."""

from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from explorer import theme
from explorer.widgets.parts import ElidedLabel, FittingLabel, button, lead, plain_tip, retint


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


def test_a_fitting_label_says_the_longest_that_fits_whole_or_nothing(qtbot):
    made = FittingLabel()
    qtbot.addWidget(made)
    made.show()
    made.show_texts("a long sentence about something", "a short one")
    measure = made.fontMetrics()
    for text, width in (
        ("a long sentence about something", measure.horizontalAdvance("a long sentence about something") + 8),
        ("a short one", measure.horizontalAdvance("a short one") + 8),
        ("", 4),
    ):
        made.resize(width, 20)
        assert made.text() == text
