"""A report as files: nothing is missing, nothing is loaded, nothing that people wrote becomes markup."""

import csv
import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from core.cli import main
from core.errors import Cancelled, DrivescopeError, ErrorKind
from core.evaluate.account import Request
from core.evaluate.chosen import choose
from core.evaluate.command import evaluate_foreign
from core.evaluate.report.html import VOID
from core.evaluate.report.write import _cell, write_report
from core.evaluate.runs import delete_run, open_run
from core.evaluate.table import query_table
from core.search.pipeline import Searcher
from tests.core.evaluate.report.conftest import HOSTILE, QUERIES

POINTERS = {"src", "href", "srcset", "poster", "data", "action", "background", "cite", "xlink:href"}
"""Attributes by which a page can ask for something else."""


class Reader(HTMLParser):
    """Checks that elements are closed in turn, and keeps what the tests ask about."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.names, self.ids, self.pointers, self.text = [], [], set(), [], []
        self.styles, self.policy = [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)
        found = dict(attributes)
        assert len(found) == len(attributes)
        assert not any(name.startswith("on") for name in found)
        self.pointers += [(tag, found[name]) for name in POINTERS & found.keys()]
        self.styles.append(found.get("style") or "")
        if "id" in found:
            assert found["id"] not in self.ids
            self.ids.add(found["id"])
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        assert tag in VOID
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.styles if self.open and self.open[-1] == "style" else self.text).append(data)


@pytest.fixture(scope="module")
def report(world, tmp_path_factory):
    """The files of a report with everything in it, and how far it said it was."""
    steps = []
    files = write_report(
        world.library,
        world.bundle,
        world.reranked,
        tmp_path_factory.mktemp("out") / "new folder" / "report.html",
        against=world.plain,
        cases=3,
        progress=lambda done, total: steps.append((done, total)),
    )
    return files, steps


def test_nothing_is_loaded_from_outside(report):
    (html, *_), _ = report
    text = html.read_text(encoding="utf-8")
    reader = Reader(text)
    assert reader.open == []
    assert reader.pointers
    for tag, value in reader.pointers:
        if value.startswith("#"):
            assert value[1:] in reader.ids
        else:
            assert tag == "img"
            assert value.startswith("data:image/jpeg;base64,")
    assert not {"script", "link", "iframe", "object", "base"} & set(reader.names)
    assert not re.search(r"url\(|@import|expression", "".join(reader.styles))
    assert "http" not in text.replace("http-equiv", "")
    assert reader.policy.startswith("default-src 'none'")


def test_what_people_wrote_stays_text(report):
    (html, *_), _ = report
    reader = Reader(html.read_text(encoding="utf-8"))
    shown = "".join(reader.text)
    assert HOSTILE in shown
    assert "a <b>bus</b>, not a car" in shown
    assert "plain & simple" in shown


def test_nothing_in_the_table_is_a_formula():
    told = ["=1+1", "+a", "-2 lanes", "@x", "\tx", "a = b", -0.5, None]
    assert [_cell(value) for value in told] == [
        "'=1+1",
        "'+a",
        "'-2 lanes",
        "'@x",
        "'\tx",
        "a = b",
        -0.5,
        None,
    ]


def test_everything_is_told(report, world):
    (html, *_), steps = report
    shown = "\n".join(Reader(html.read_text(encoding="utf-8")).text)
    run = open_run(world.library.folder, world.reranked)
    for part in (
        "R@1, %", "nDCG@10", "95 % interval", "unjudged", "Where reranking hurt", "paired randomisation test",
        "weather", "Rank 1", "first stage", run.facts["hashes"]["fingerprint"], run.facts["hashes"]["clips"],
        "contains", "the library has no video lost.mp4", "wrong actor", "Video to text", world.plain,
    ):  # fmt: skip
        assert part in shown, part
    assert f"{run.facts['metrics']['reranked']['R@10']['value']:.1f}" in shown
    assert steps[0][0] == 0
    assert steps[-1][0] == steps[-1][1] == len(set(steps)) - 1


def test_pictures_and_maps_of_what_is_there(report):
    (html, _, whole), _ = report
    told = json.loads(whole.read_text(encoding="utf-8"))
    clips = [case[key] for case in told["cases"] for key in ("truth", "rank_1") if case[key]]
    gone = [clip for clip in clips if clip["video"] == "gone.mp4"]
    there = [clip for clip in clips if clip["video"] == "day.mp4"]
    assert gone
    assert there
    assert all(len(clip["frames_s"]) == 3 for clip in clips)  # of footage that is gone, from the stored strip
    assert all(len(clip["reliable"]) == 3 for clip in there)
    assert all(not clip["reliable"] and "gone.mp4" in clip["lacks"] for clip in gone)
    images = html.read_text(encoding="utf-8").count("data:image/jpeg")
    assert images == 6 * len(there) + 3 * len(gone)
    for clip in clips:
        words = clip["explanation"]
        total = sum(words["by_word"]) + words["marks"] + words["sentence"]
        assert total == pytest.approx(words["score"], abs=1e-5)


def test_rows_for_programs(report, world):
    (_, rows, whole), _ = report
    run = open_run(world.library.folder, world.reranked)
    table = query_table(run)
    with rows.open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert len(read) == len(table) == QUERIES
    assert [float(row["rank"]) for row in read] == [row.rank for row in table]
    assert read[0]["text"] == HOSTILE
    assert read[3]["truth"] == "gone.mp4#t=1,2"
    assert (read[0]["judged"], read[0]["tags"]) == ("3 partly", "wrong actor")
    told = json.loads(whole.read_text(encoding="utf-8"))
    assert told["run"]["metrics"] == run.facts["metrics"]
    assert told["against"] == world.plain
    assert [row["rank"] for row in told["queries"]] == [row.rank for row in table]
    assert {row["metric"] for row in told["slices"]} == {"R@10"}
    assert told["comparison"]["queries"] == QUERIES
    assert told["unmatched"][0]["video"] == "lost.mp4"


def test_judgements_change_the_numbers(world, tmp_path):
    files = write_report(
        world.library, world.bundle, world.plain, tmp_path / "r.html", use_judgements=True, cases=0
    )
    told = json.loads(files[2].read_text(encoding="utf-8"))
    assert told["judgements_used"]
    assert told["queries"][0]["relevant"] == 2
    assert [case["why"] for case in told["cases"]] == ["judged"]
    assert "under what people judged" in files[0].read_text(encoding="utf-8")


def test_a_foreign_run_with_gaps(world, tmp_path):
    trec = tmp_path / "theirs.run"
    trec.write_text("1 Q0 day.mp4#t=3,4 1 0.9 theirs\n2 Q0 gone.mp4#t=0,1 1 0.8 theirs\n")
    answer = evaluate_foreign(Searcher(world.library, world.bundle), Request(world.queries_file), trec)
    try:
        files = write_report(world.library, world.bundle, answer["run"], tmp_path / "r.html", cases=1)
    finally:
        delete_run(world.library.folder, answer["run"])
    told = json.loads(files[2].read_text(encoding="utf-8"))
    (case,) = told["cases"]
    assert case["query"] == HOSTILE
    assert case["truth"]["rank"] is None  # their run does not have it
    assert told["reranking"] is None
    shown = "".join(Reader(files[0].read_text(encoding="utf-8")).text)
    assert "ranked elsewhere" in shown
    assert "22 queries are not in the run and count as failures." in shown


def test_mistakes_and_stopping_write_nothing(world, tmp_path):
    def write(name="r.html", run=world.plain, **more):
        return write_report(world.library, world.bundle, run, tmp_path / name, **more)

    with pytest.raises(DrivescopeError, match=r"must end in \.html"):
        write("r.pdf")
    with pytest.raises(DrivescopeError, match="has no run “nothing”"):
        write(run="nothing")
    with pytest.raises(DrivescopeError, match="has no run “nothing”"):
        write(against="nothing")
    with pytest.raises(Cancelled):
        write(cancelled=lambda: True)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "taken.csv").mkdir()
    with pytest.raises(DrivescopeError, match=r"taken\.csv could not be written"):
        write("taken.html", run="nothing")  # told first, before anything is looked at
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(DrivescopeError, match="could not be written") as caught:
        write("folder.html", cases=0)
    assert caught.value.kind is ErrorKind.BAD_INPUT


def test_on_the_command_line(world, tmp_path, capsys):
    out = tmp_path / "report.html"
    common = ("report", "--library", str(world.library.folder), "--out", str(out), "--device", "cpu")
    assert main([*common, world.plain, "--cases", "0", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer == {
        "run": world.plain,
        "files": [str(out.with_suffix(e)) for e in (".html", ".csv", ".json")],
    }
    assert main([*common, "--cases", "0"]) == 0
    assert f"The report of {world.reranked} is in {out}" in capsys.readouterr().out  # the newest
    capsys.readouterr()
    assert main([*common, "plain & simple", "--against", "reranked", "--cases", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"] == world.plain  # by its name
    assert main([*common, "nothing"]) == 2


def test_chosen_queries_come_first_and_the_baseline_may_be_of_another_library(world, tmp_path, capsys):
    elsewhere = shutil.copytree(world.library.folder, tmp_path / "elsewhere")
    ids = [query.query_id for query in open_run(elsewhere, world.plain).queries]
    choose(elsewhere, world.plain, ids[4], on=True)
    out = tmp_path / "report.html"
    common = ("report", world.plain, "--library", str(elsewhere), "--out", str(out), "--device", "cpu")
    baseline = ("--against", world.reranked, "--other-library", str(world.library.folder))
    assert main([*common, *baseline, "--case", ids[7], "--cases", "0", "--json"]) == 0
    told = json.loads(out.with_suffix(".json").read_text())
    chosen = [(case["query_id"], case["why"]) for case in told["cases"]]
    assert chosen[:2] == [(ids[7], "chosen"), (ids[4], "chosen")]
    clips = told["run"]["counts"]["clips"]
    assert told["matching"] == [f"Ranks are among the {clips} clips that both libraries hold."]
    assert told["matching"][0] in out.read_text()
    assert told["comparison"]["queries"] == len(ids)
    capsys.readouterr()
    assert main([*common, "--case", "no such query"]) == 2
    assert "has no query “no such query”" in capsys.readouterr().err
