"""The small things that every panel uses."""

from explorer.widgets.parts import ElidedLabel, plain_tip


def test_a_tooltip_says_a_text_as_it_is(qtbot):
    assert plain_tip("/films/a < b & c.mp4") == "/films/a < b & c.mp4"
    assert plain_tip("<b>bold</b>\n<img src='x'>").startswith("<p>&lt;b&gt;bold&lt;/b&gt;")
    narrow = ElidedLabel()
    qtbot.addWidget(narrow)
    narrow.resize(40, 20)
    narrow.setText("<i>a name that does not fit</i>")
    assert "&lt;i&gt;" in narrow.toolTip()
    assert narrow.text() == "<i>a name that does not fit</i>"
