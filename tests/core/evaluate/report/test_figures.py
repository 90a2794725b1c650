"""Drawn pictures: where dots stand, how tall bars are, what is escaped."""

import re

import numpy as np
import pytest

from core.evaluate.compare import PairedQuery
from core.evaluate.report.figures import difference, interval, rank_spread, scatter
from core.evaluate.report.html import Html, el, join
from core.evaluate.report.tables import number, percent, rank, signed, table

DOT = re.compile(r'cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)" class="dot (\w+)"')


def pair(a, b, text="q"):
    return PairedQuery("1", text, a, b, 0, 0)


def test_elements():
    assert el("p", "a < b", None, 3) == "<p>a &lt; b3</p>"
    assert (
        el("img", alt='"x"', hidden=True, src=None, class_="a")
        == '<img alt="&quot;x&quot;" hidden class="a"/>'
    )
    assert el("p", Html("<b>x</b>"), data_name="y") == '<p data-name="y"><b>x</b></p>'
    assert join("<", el("br")) == "&lt;<br/>"


def test_a_dot_for_every_pair_of_ranks():
    drawn = scatter([pair(1, 1), pair(1, 1, "<i>"), pair(10, 1), pair(1, 100)], 100, "a", "b")
    dots = DOT.findall(drawn)
    by_kind = {kind: (float(x), float(y), float(r)) for x, y, r, kind in dots}
    assert set(by_kind) == {"draw", "win", "loss"}
    assert by_kind["draw"][2] > by_kind["win"][2]  # two queries in one place
    assert by_kind["win"][0] > by_kind["draw"][0]
    assert by_kind["win"][1] == by_kind["draw"][1]
    assert by_kind["loss"][1] < by_kind["draw"][1]  # a worse rank of b stands higher
    halfway = (by_kind["draw"][1] + by_kind["loss"][1]) / 2
    ((_, y, _, _),) = DOT.findall(scatter([pair(1, 10)], 100, "a", "b"))
    assert float(y) == pytest.approx(halfway, abs=0.2)  # logarithmic
    assert "&lt;i&gt;" in drawn


def test_one_query_alone_can_be_drawn():
    assert "circle" in scatter([pair(1, 1)], 1, "a", "b")
    assert "circle" in scatter([pair(5e5, 1e6)], 1_000_000, "a", "b")


def test_bars_count_queries():
    drawn = rank_spread({"first": np.array([1, 1, 7.5]), "reranked": np.array([1, 3, 200])})
    assert re.findall(r">([^<]+)</text>", drawn) == [
        "1", "2", "1", "2–5", "1", "6–10", "1", "over 100", "1", "first", "reranked",
    ]  # fmt: skip


def test_lines():
    assert "left:50.0%" in interval(50, 40, 60, 100)
    assert "left:100%" in interval(500, 40, 900, 100)
    assert 'class="for" style="left:50%;width:25.0%"' in difference(1, 2)
    assert 'class="against" style="left:25.0%;width:25.0%"' in difference(-1, 2)
    assert "width:0" in difference(0, 0)


def test_numbers():
    assert [number(v, "%") for v in (100.0, 7.25, None)] == ["100.0", "7.2", "–"]
    assert [number(v) for v in (0.5, -0.25)] == ["0.500", "−0.250"]
    assert [signed(v, "%") for v in (1.0, -1.0, 0.0)] == ["+1.0", "−1.0", "0.0"]
    assert [rank(v) for v in (1.0, 2.5, 12345)] == ["1", "2.5", "12,345"]
    assert [percent(v) for v in (0.256, None)] == ["26 %", ""]


def test_a_table_sets_numbers_right():
    made = table(["name", ">n"], [["<x>", "1"]])
    assert '<th class="n">n</th>' in made
    assert '<td>&lt;x&gt;</td><td class="n">1</td>' in made
