"""The models of the Analyse page against plain computations, and the clock of two clips in step."""

import array
import csv
import io
import random

import pytest
from PySide6.QtCore import Qt

from core.protocol import Compared, FrameChunk, FrameImage, Hit, MetricValue, QueryOutcome, SliceInfo
from explorer.models.analysis_duo import Duo
from explorer.models.analysis_slices import PairTable, SliceTable, metric_text, unpacked
from explorer.models.analysis_table import Column, QueryTable
from explorer.models.frames import Frames
from explorer.models.playback import Playback

UP, DOWN = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder
KEYS = {
    Column.QUERY: lambda r: r.text.casefold(),
    Column.FIRST: lambda r: r.first_rank,
    Column.RANK: lambda r: r.rank,
    Column.CHANGE: lambda r: r.first_rank - r.rank,
    Column.GAP: lambda r: r.gap,
    Column.PERCENTILE: lambda r: r.percentile,
}


def outcomes(count: int) -> list[QueryOutcome]:
    dice = random.Random(count)
    words = ("night", "rain", "Bus", "left", "dog", "red car", "überholt")
    return [
        QueryOutcome(
            query_id=str(number),
            text=" ".join(dice.choices(words, k=3)),
            first_rank=float(dice.randrange(1, 40)),
            rank=dice.randrange(2, 80) / 2,
            gap=None if dice.random() < 0.2 else dice.random(),
            percentile=dice.random() * 100,
            relevant=1,
            unjudged=0.9,
        )
        for number in range(count)
    ]


def shown(table: QueryTable) -> list[int]:
    return [table.row_at(place) for place in range(table.rowCount())]


@pytest.fixture
def table(qtmodeltester):
    made = QueryTable()
    made.show_rows(outcomes(300), {})
    qtmodeltester.check(made)
    return made


@pytest.mark.parametrize("column", KEYS)
@pytest.mark.parametrize("order", [UP, DOWN])
def test_sorting_equals_a_plain_sort_and_leaves_out_no_row(table, column, order):
    rows = outcomes(300)
    table.sort(column, order)
    known = [row for row in shown(table) if KEYS[column](rows[row]) is not None]
    values = [KEYS[column](rows[row]) for row in known]
    assert values == sorted(values, reverse=order == DOWN)
    assert sorted(shown(table)) == list(range(300))
    assert shown(table)[: len(known)] == known  # what has no value comes last either way


def test_what_is_equal_keeps_the_order_before(table):
    table.sort(Column.QUERY, UP)
    table.sort(Column.FIRST, UP)
    rows = outcomes(300)
    expected = sorted(range(300), key=lambda r: rows[r].rank, reverse=True)  # as a run is shown at first
    expected.sort(key=lambda r: rows[r].text.casefold())
    expected.sort(key=lambda r: rows[r].first_rank)
    assert shown(table) == expected


def test_filters_join_and_the_order_stays(table):
    rows = outcomes(300)
    table.sort(Column.GAP, DOWN)
    before = shown(table)
    members = set(range(0, 300, 2))
    table.narrow(needle="  NIGHT ", beyond=5, hurt=True, members=members)
    expected = [
        r
        for r in before
        if "night" in rows[r].text.casefold()
        and rows[r].rank > 5
        and rows[r].first_rank < rows[r].rank
        and r in members
    ]
    assert shown(table) == expected
    assert expected
    assert [table.place_of(row) for row in expected] == list(range(len(expected)))
    assert table.place_of(next(r for r in before if r not in expected)) == -1
    table.narrow()
    assert shown(table) == before


def test_failures_are_found_in_the_order_of_the_table(table):
    rows = outcomes(300)
    table.sort(Column.QUERY, UP)
    places = [place for place, row in enumerate(shown(table)) if rows[row].rank > 10]
    found, place = [], -1
    while (place := table.failure_from(place, 1, 10)) >= 0:
        found.append(place)
    assert found == places
    assert table.failure_from(places[1], -1, 10) == places[0]
    assert table.failure_from(places[0], -1, 10) == -1
    assert QueryTable().failure_from(-1, 1) == -1


def test_the_table_of_twenty_thousand_rows_reads_only_what_a_view_asks_for(monkeypatch):
    rows = outcomes(20_000)
    made = QueryTable()
    made.show_rows(rows, {})
    asked = []
    original = QueryTable._text
    monkeypatch.setattr(
        QueryTable, "_text", lambda self, row, column: asked.append(row) or original(self, row, column)
    )
    for column in KEYS:
        made.sort(column, DOWN)
    made.narrow(needle="überholt", beyond=3)
    assert made.rowCount() == sum("überholt" in r.text and r.rank > 3 for r in rows)
    assert asked == []  # sorting and filtering make no text of any row
    made.data(made.index(0, Column.RANK))
    assert len(asked) == 1


def test_texts_of_a_row():
    made = QueryTable()
    made.show_rows([QueryOutcome("7", "=cmd() a  dog", 12.0, 3.5, None, 99.96, 2, 0.9)], {"=cmd() a dog": 2})
    assert [made.data(made.index(0, column)) for column in Column] == [
        "=cmd() a  dog", "12", "3.5", "▲ 8.5", "", "99.9 %", "2",
    ]  # fmt: skip
    assert "2 relevant clips" in made.data(made.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    made.count_judged({})
    assert made.data(made.index(0, Column.JUDGED)) == ""
    header, line = csv.reader(io.StringIO(made.as_csv()))
    assert header[0] == "query_id"
    assert line[header.index("text")] == "'=cmd() a  dog"  # a spreadsheet must not run it


def test_a_header_without_an_order_sorts_nothing(table):
    before = shown(table)
    table.sort(-1, UP)
    assert shown(table) == before
    empty = SliceTable()
    empty.sort(0, UP)
    assert empty.rowCount() == 0


def test_slices_sort_by_what_their_columns_say(qtmodeltester):
    def part(name, value, members):
        packed = array.array("i", members).tobytes()
        return SliceInfo(
            "light",
            name,
            len(members),
            MetricValue("R@10", "%", value, value - 5, value + len(members)),
            packed,
        )

    made = SliceTable()
    made.show_slices((part("night", 40.0, [1, 2]), part("dusk", 80.0, [3]), part("day", 60.0, [4, 5, 6])))
    qtmodeltester.check(made)

    def names():
        return [made.slice_at(place).value for place in range(3)]

    for column, expected in (
        (0, ["day", "dusk", "night"]),
        (1, ["dusk", "night", "day"]),
        (2, ["night", "day", "dusk"]),
    ):
        made.sort(column, UP)
        assert names() == expected
    assert made.data(made.index(0, 2)) == "40.0"
    assert unpacked(made.slice_at(0).members, "i").tolist() == [1, 2]
    assert metric_text(None, "%") == "–"


def test_pairs_show_losses_largest_first_and_wins_apart(qtmodeltester):
    a, b = [1.0, 5.0, 10.0, 2.0], [4.0, 1.0, 30.0, 2.0]
    found = Compared(
        1, "r", "", "first", "second", array.array("i", [10, 11, 12, 13]).tobytes(), array.array("f", a).tobytes(),
        array.array("f", b).tobytes(), 1, 2, 1, 0, 0, (),
    )  # fmt: skip
    made = PairTable()
    made.show_comparison(found, lambda row: f"query {row}", worse=True)
    qtmodeltester.check(made)
    assert [made.row_at(place) for place in range(made.rowCount())] == [12, 10]
    assert [made.data(made.index(0, column)) for column in range(4)] == ["query 12", "10", "30", "▼ 20"]
    made.show_comparison(found, lambda row: f"query {row}", worse=False)
    assert [made.row_at(place) for place in range(made.rowCount())] == [11]
    made.show_comparison(None, str, worse=True)
    assert made.rowCount() == 0
    assert made.row_at(0) == -1


# --- two clips in step --------------------------------------------------------------------------------


class Silent:
    """A client that answers nothing; the test puts frames where they belong."""

    def __init__(self) -> None:
        self.ready = False

    def send(self, make):
        from explorer.engine_client import EngineClient

        self._kept = getattr(self, "_kept", EngineClient())
        return self._kept.send(make)


def hit(clip_id: int, start_s: float, end_s: float) -> Hit:
    return Hit(1, clip_id, 1, "a.mp4", start_s, end_s, 0.3, 1, 100.0)


def feed(playback: Playback, step_s: float, *, last: bool = True, count: int | None = None) -> None:
    clip = playback.hit
    total = round((clip.end_s - clip.start_s) / step_s)
    frames = tuple(FrameImage(n, clip.start_s + n * step_s, b"") for n in range(count or total))
    chunk = FrameChunk(1, clip.clip_id, frames, total, last=last)
    playback.frames._on_chunk(playback.frames._generation, chunk)


@pytest.fixture
def duo(qapp):
    client = Silent()
    made = Duo(Playback(Frames(client)), Playback(Frames(client)))
    made.open(0, hit(1, 100.0, 104.0), 360)
    made.open(1, hit(2, 8.0, 16.0), 360)
    yield made
    made.pause()
    for side in made.sides:
        side.frames.close()


def test_both_sides_show_the_same_moment_of_their_clip(duo):
    for side in duo.sides:
        feed(side, 0.1)
    duo.advance(1.25)
    assert [round(side.position_s, 6) for side in duo.sides] == [101.25, 9.25]
    assert [side.place for side in duo.sides] == [12, 12]
    duo.advance(3.0)  # the shorter clip rests on its last frame
    assert duo.sides[0].position_s == 104.0
    assert duo.sides[0].place == 39
    assert duo.sides[1].position_s == pytest.approx(12.25)
    duo.advance(4.0)  # around the end of the longer one
    assert duo.position_s == pytest.approx(0.25)
    assert [side.place for side in duo.sides] == [2, 2]


def test_the_clock_waits_for_the_side_that_is_still_on_its_way(duo):
    feed(duo.sides[1], 0.1)
    duo.advance(2.0)
    assert duo.position_s == 0.0  # nothing of the left side is there yet
    feed(duo.sides[0], 0.1, last=False, count=11)
    duo.advance(2.0)
    assert duo.position_s == pytest.approx(1.0)
    duo.sides[0].frames.failed.emit("cannot be decoded")
    duo.advance(2.0)  # a clip that cannot be played stands in nobody's way
    assert duo.position_s == pytest.approx(3.0)


def test_steps_speed_marks_and_an_empty_side(duo):
    for side in duo.sides:
        feed(side, 0.1)
    duo.toggle()
    assert duo.playing
    duo.step(1)
    assert not duo.playing
    assert [side.place for side in duo.sides] == [1, 1]
    duo.step(-2)
    assert duo.sides[1].place == 79
    duo.seek(2.0)
    duo.mark_in()
    duo.seek(3.0)
    duo.mark_out()
    duo.change_speed(2)
    assert duo.speed == 2.0
    duo.advance(0.25)
    assert duo.position_s == pytest.approx(2.5)
    duo.clear_marks()
    assert (duo.loop_start_s, duo.loop_end_s) == duo.bounds == (0.0, 8.0)
    duo.open(0, None, 360)
    duo.open(1, None, 360)
    duo.advance(1.0)
    duo.play()
    assert duo.hit is None
    assert not duo.playing
