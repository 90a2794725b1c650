"""`drivescope evaluate`, `runs` and `judge` as a person types them."""

import json

import pytest

from core.cli import main
from core.evaluate.runs import list_runs, open_run
from tests.core.evaluate.small_library import TRUTH, write


def run(capsys, *arguments):
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    return code, out, err


def test_command_line(library, bundle, queries_file, tmp_path, capsys):
    common = ("evaluate", "--library", library.folder, "--queries", queries_file, "--device", "cpu")
    code, out, err = run(capsys, *common, "--k", 10, "--json", "--trec-out", tmp_path / "out.run")
    answer = json.loads(out)
    assert (code, err, answer["queries"]) == (0, "", 3)
    assert answer["configuration"]["rerank_clips"] == 10
    code, out, _ = run(capsys, *common, "--run", tmp_path / "out.run", "--json")
    assert (code, json.loads(out)["metrics"]) == (0, answer["metrics"])
    code, out, _ = run(capsys, *common, "--no-rerank", "--match", "iou", "--threshold", "0.9")
    assert code == 0
    assert "R@10" in out
    assert "the run is stored in" in out
    told = out.splitlines()
    assert next(line for line in told if line.startswith("video to text, first stage: R@1"))
    assert next(line for line in told if line.startswith("moments in the true videos, %: R1@0.3"))
    assert {line.split()[0] for line in told} >= {"Success@10", "SumR", "MRR", "nDCG@10"}
    tied = write(tmp_path / "tied.run", "1 Q0 night.mp4#t=0,8 1 0.5 x\n1 Q0 day.mp4#t=0,8 2 0.5 x\n")
    code, out, _ = run(capsys, *common, "--run", tied)
    assert "in the worst and best order: R@1 0 to 33.33" in out
    assert "row 6: the library has no video lost.mp4" in out


def test_command_line_mistakes(library, queries_file, tmp_path, capsys):
    def failed(*arguments):
        code, _, err = run(capsys, "evaluate", "--library", library.folder, *arguments)
        assert code == 2
        return err.strip()

    assert "There is no file" in failed("--queries", tmp_path / "none.csv")
    empty = write(tmp_path / "empty.csv", "")
    assert failed("--queries", empty) == f"drivescope: {empty} is empty."
    nan = write(tmp_path / "nan.run", "1 Q0 night.mp4#t=0,8 1 0.5 x\n1 Q0 day.mp4#t=0,8 2 NaN x\n")
    assert f"{nan}, line 2: the score is NaN" in failed("--queries", queries_file, "--run", nan)
    assert "above 0" in failed("--queries", queries_file, "--threshold", "0")
    assert "--queries" in failed()


def test_runs_on_the_command_line(library, bundle, queries_file, capsys):
    common = ("--library", library.folder, "--json")
    for name, flags in (("plain", ("--no-rerank",)), ("reranked", ("--k", 10))):
        code, _, _ = run(capsys, "evaluate", "--queries", queries_file, "--name", name, *flags, *common)
        assert code == 0
    code, out, _ = run(capsys, "runs", *common)
    listed = {facts["name"]: facts["run_id"] for facts in json.loads(out)["runs"]}
    assert (code, set(listed)) == (0, {"plain", "reranked"})

    code, out, _ = run(capsys, "runs", listed["plain"], listed["reranked"], *common)
    compared = json.loads(out)
    assert compared["wins"] + compared["losses"] + compared["draws"] == compared["queries"] == 3
    code, out, _ = run(capsys, "runs", listed["reranked"], *common)
    one = json.loads(out)
    assert [row["text"] for row in one["queries"]] == list(TRUTH)
    assert one["reranking"]["metrics"] == compared["metrics"]  # the plain run is the first stage of the other
    assert {(part["property"], part["value"]) for part in one["slices"]} >= {
        ("weather", "rain"),
        ("weather", "snow"),
    }

    for chosen in ((), (listed["plain"],), (listed["reranked"],), tuple(listed.values())):
        code, out, _ = run(capsys, "runs", *chosen, "--library", library.folder)
        assert (code, bool(out)) == (0, True)
    code, out, _ = run(capsys, "runs", "plain", "--slice", "weather = snow", *common)
    part = json.loads(out)
    assert (part["slice"]["count"], len(part["queries"])) == (2, 2)
    assert part["queries"][0]["rank"] >= part["queries"][1]["rank"]
    code, out, _ = run(capsys, "runs", "plain", "--slice", "weather=snow", "--library", library.folder)
    assert "over 2 queries whose weather is snow" in out
    code, _, err = run(capsys, "runs", "plain", "--slice", "weather=hail", "--library", library.folder)
    assert (code, "has no slice “weather=hail”" in err) == (2, True)
    code, _, err = run(capsys, "runs", "nothing", "--library", library.folder)
    assert (code, "has no run “nothing”" in err) == (2, True)


def test_a_preview_stores_nothing(library, queries_file, capsys):
    common = ("evaluate", "--library", library.folder, "--queries", queries_file, "--preview")
    code, out, _ = run(capsys, *common, "--json")
    shown = json.loads(out)
    assert (code, shown["matched_rows"], shown["unmatched_rows"], shown["queries"]) == (0, 4, 1, 3)
    assert shown["columns"]["video"] == {"name": "video", "found_by": "name"}
    code, out, _ = run(capsys, *common)
    assert "4 rows mean a clip (contains 0.5), 1 do not" in out
    assert "row 6: the library has no video lost.mp4" in out
    assert list_runs(library.folder) == []


def test_judging_on_the_command_line(library, queries_file, capsys):
    common = ("--library", library.folder, "--author", "ann", "--json")
    run(capsys, "evaluate", "--queries", queries_file, "--library", library.folder, "--no-rerank")
    (facts,) = list_runs(library.folder)
    top = open_run(library.folder, facts["run_id"]).final.rankings[1].clip_ids[0]

    said = ("judge", "a bus turns left", top, "relevant", "--tag", "caption at fault", "--note", "a bus, too")
    code, out, err = run(capsys, *said, *common)
    (held,) = json.loads(out)["judgements"]
    assert (code, err) == (0, "")
    assert (held["verdict"], held["tags"], held["note"], held["author"]) == (
        "relevant", ["caption at fault"], "a bus, too", "ann",
    )  # fmt: skip
    assert held["video"].startswith("/drive/")

    plain = json.loads(run(capsys, "runs", facts["run_id"], "--library", library.folder, "--json")[1])
    judged = json.loads(
        run(capsys, "runs", facts["run_id"], "--judgements", "--library", library.folder, "--json")[1]
    )
    assert judged["queries"][1]["rank"] == 1.0
    assert plain["queries"][0] == judged["queries"][0]

    assert json.loads(run(capsys, "judge", "--undo", *common)[1])["judgements"] == []
    assert len(json.loads(run(capsys, "judge", "--redo", *common)[1])["judgements"]) == 1
    code, out, _ = run(capsys, "judge", "--library", library.folder)
    assert (code, "a bus turns left  [caption at fault]  a bus, too" in out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("a bus",), "needs a query, a clip and a verdict"),
        (("a bus", "1", "relevant", "--undo"), "not both at once"),
        (("a bus", "999", "relevant"), "no longer in the library"),
        (("a bus", "1", "relevant", "--tag", "odd"), "none of the failure tags"),
        (("a bus", "1", "good"), "invalid choice"),
    ],
)
def test_judging_mistakes(library, capsys, arguments, sentence):
    code, _, err = run(capsys, "judge", *arguments, "--library", library.folder)
    assert (code, sentence in err) == (2, True)
