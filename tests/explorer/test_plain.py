"""The rooms without a widget: formats, history, settings, exports, arguments."""

import csv
import io
import json
import sys

import pytest

from core.protocol import Hit, Ranked
from explorer import exports, formats
from explorer.__main__ import has_display, no_display_text
from explorer.arguments import PICTURE_SIZE, Options, parse
from explorer.history import LONGEST, QueryHistory
from explorer.settings import SETTINGS, Settings


def hit(rank: int, **changes) -> Hit:
    fields = {
        "rank": rank, "clip_id": 100 + rank, "video_id": 1, "video": "a.mp4", "start_s": 8.0, "end_s": 16.0,
        "score": 0.3, "first_rank": rank, "percentile": 90.0, **changes,
    }  # fmt: skip
    return Hit(**fields)


def ranking(*hits: Hit) -> Ranked:
    return Ranked(
        id=1, stage="reranked", query="a car", hits=hits, searched_clips=9, timings_ms={"text": 1.0}
    )


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.999, "0:59"), (65.4, "1:05"), (3723, "1:02:03"), (-3, "0:00")]
)
def test_clock(seconds, text):
    assert formats.clock(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"), [(100.0, "100 %"), (99.99, "99.9 %"), (99.0, "99.0 %"), (98.9, "98 %"), (0.0, "0 %")]
)
def test_percentile_is_never_rounded_up(value, text):
    assert formats.percentile(value) == text


def test_small_formats():
    assert formats.exact_clock(65.4) == "1:05.40"
    assert formats.exact_clock(59.999) == "1:00.00"
    assert formats.count(1, "clip") == "1 clip"
    assert formats.count(1204, "clip") == "1,204 clips"
    assert formats.time_left(-1) == ""
    assert formats.time_left(20.2) == "0:21 left"
    assert [formats.footage(value) for value in (48, 720, 12240)] == ["48 s", "12 min", "3.4 h"]
    assert formats.rank_change(15, 3) == 12
    assert formats.rank_change(0, 3) == 0
    for path in ("/a/b/雨 1.mp4", "C:\\a\\雨 1.mp4", "雨 1.mp4", "/a/雨 1.mp4/"):
        assert formats.file_name(path) == "雨 1.mp4"
    assert formats.file_name("/") == "/"


def test_history_goes_back_and_forward():
    history = QueryHistory()
    assert not history.can_go_back
    assert history.back() == ""
    for query in ("a", "b", "b", "c", ""):
        history.remember(query)
    assert history.queries == ["a", "b", "c"]
    assert [history.back(), history.back(), history.back()] == ["b", "a", "a"]
    assert not history.can_go_back
    assert [history.forward(), history.forward(), history.forward()] == ["b", "c", "c"]
    assert not history.can_go_forward


def test_history_is_bounded_and_recent_is_newest_first():
    history = QueryHistory([str(number) for number in range(LONGEST + 50)])
    assert len(history.queries) == LONGEST
    history.remember("60")
    assert history.recent[0] == "60"
    assert history.recent.count("60") == 1


def test_settings_keep_values_and_refuse_nonsense(qapp):
    settings = Settings()
    assert settings.text("look/theme") == "dark"
    settings.set("look/theme", "light")
    settings.set("look/columns", 6)
    settings.set("search/as_you_type", False)
    settings.set_strings("history/queries", ["雨", "a, b"])
    settings.save()
    fresh = Settings()
    assert fresh.text("look/theme") == "light"
    assert fresh.number("look/columns") == 6
    assert not fresh.flag("search/as_you_type")
    assert fresh.strings("history/queries") == ["雨", "a, b"]
    fresh._store.setValue("look/columns", "ninety")
    fresh._store.setValue("look/theme", "pink")
    fresh._store.setValue("search/hits", "-4")
    fresh._store.setValue("history/queries", "{not json")
    assert fresh.number("look/columns") == 4
    assert fresh.text("look/theme") == "dark"
    assert fresh.number("search/hits") == 200
    assert fresh.strings("history/queries") == []
    with pytest.raises(KeyError):
        fresh.get("no/such/row")


def test_fleeting_settings_are_not_written(qapp):
    settings = Settings()
    settings.set("look/theme", "light", keep=False)
    assert settings.text("look/theme") == "light"
    settings.save()
    assert Settings().text("look/theme") == "dark"
    silent = Settings(keep=False)
    silent.set("look/columns", 6)
    assert silent.number("look/columns") == 6
    assert Settings().number("look/columns") == 4


def test_every_setting_has_a_fitting_default():
    for row in SETTINGS:
        if row.choices:
            assert row.default in [choice for choice, _ in row.choices]
        if row.high:
            assert row.low <= row.default <= row.high
        assert row.label or not row.shown


def test_csv_has_the_table_and_no_formulas():
    text = exports.as_csv(
        ranking(hit(1, video='=HYPERLINK("x")'), hit(2, video='a,"b"\n雨.mp4', rerank_score=0.25))
    )
    rows = list(csv.reader(io.StringIO(text)))
    assert tuple(rows[0]) == exports.COLUMNS
    assert rows[1][2] == '\'=HYPERLINK("x")'
    assert rows[1][6] == ""
    assert rows[2][2] == 'a,"b"\n雨.mp4'
    assert rows[2][6] == "0.25"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_each_formula_start_is_defused(start):
    rows = list(csv.reader(io.StringIO(exports.as_csv(ranking(hit(1, video=f"{start}1+1"))))))
    assert rows[1][2].startswith("'")


def test_json_is_the_ranking():
    found = json.loads(exports.as_json(ranking(hit(1, video="雨.mp4"))))
    assert found["query"] == "a car"
    assert found["hits"][0]["video"] == "雨.mp4"
    assert found["hits"][0]["rerank_score"] is None


def test_files_are_written_whole_or_not_at_all(tmp_path):
    place = tmp_path / "results.csv"
    place.write_text("old")
    assert exports.write_atomically(str(place), "neu 雨") == ""
    assert place.read_text(encoding="utf-8") == "neu 雨"
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]
    problem = exports.write_atomically(str(tmp_path / "nowhere" / "results.csv"), "text")
    assert "cannot be written" in problem


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files as POSIX systems can")
def test_a_full_disk_is_said_in_words_and_loses_nothing(tmp_path):
    import resource

    place = tmp_path / "results.csv"
    place.write_text("old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (1000, before[1])
    )  # every write beyond fails, as on a full disk
    try:
        problem = exports.write_atomically(str(place), "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "results.csv" in problem
    assert place.read_text() == "old"


def test_arguments():
    assert parse([]) == Options()
    assert parse(["demo", "--query", "red car", "--size", "1920x1080", "--tab", "why"]) == Options(
        library="demo", query="red car", size=(1920, 1080), tab="why"
    )
    assert parse(["open", "/x", "--theme", "light", "--screenshot", "a.png"]) == Options(
        library="/x", screenshot="a.png", theme="light", size=PICTURE_SIZE
    )


@pytest.mark.parametrize(
    "wrong", [["open"], ["demo", "/x"], ["--size", "big"], ["--theme", "pink"], ["--tab", "x"], ["nonsense"]]
)
def test_wrong_arguments_exit_with_2(wrong, capsys):
    with pytest.raises(SystemExit) as left:
        parse(wrong)
    assert left.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_no_display_is_told_with_the_command_that_helps():
    assert not has_display({}, "linux")
    assert has_display({}, "darwin")
    assert has_display({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    text = no_display_text(Options(library="/my/library", query="rain"))
    assert 'open /my/library --query "rain" --screenshot' in text
