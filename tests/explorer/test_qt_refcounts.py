"""PySide6 6.12.0 loses references of None and True on Python 3.10 and 3.11; the pinned version must not."""

import sys

from PySide6.QtCore import QObject, QTimer, Signal


class Bell(QObject):
    rang = Signal()


def test_qt_calls_keep_the_reference_counts_of_none_and_true(qapp):
    timer, bell = QTimer(), Bell()
    before = sys.getrefcount(None), sys.getrefcount(True)
    for _ in range(20_000):
        timer.setInterval(1)  # a void call
        bell.rang.emit()  # returns True
    after = sys.getrefcount(None), sys.getrefcount(True)
    # a faulty build loses one reference per call; immortal objects (Python 3.12 on) never change
    assert abs(after[0] - before[0]) < 1000
    assert abs(after[1] - before[1]) < 1000
