"""Truth files of every form, under odd names, and with everything wrong that people's files have."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import Cancelled, DrivescopeError, ErrorKind
from core.evaluate import files
from core.evaluate.datasets import read_truth
from core.evaluate.tables import seconds


@pytest.fixture
def write(tmp_path):
    def written(content, name="truth.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return written


def roles(truth):
    return {column.role: (column.name, column.found_by) for column in truth.columns}


def test_milliseconds_and_frames(write):
    truth = read_truth(write("query,video,start_ms,end_ms\na b,v1,1500,8000\nc d,v1,9,1\n"))
    assert (truth.rows[0].start_s, truth.rows[0].end_s, truth.in_frames) == (1.5, 8.0, False)
    assert truth.rejected[0].reason == "the span ends (1 ms) before it starts (9 ms)"
    truth = read_truth(write("query,video,start_frame,end_frame\na b,v1,0,199\nc d,v1,first,9\n"))
    assert (truth.rows[0].start_s, truth.rows[0].end_s, truth.in_frames) == (0, 199, True)
    assert truth.rejected[0].reason == "the start “first” is not a frame number"


def test_captions_of_real_footage(footage):
    truth = read_truth(footage / "captions.csv")
    assert roles(truth)["video"] == ("relative_path_or_glob", "name")
    assert truth.in_frames
    assert not truth.rejected
    assert truth.property_names == ("clip_id",)


def test_the_plain_form(write):
    truth = read_truth(
        write(
            "query,video,start_s,end_s,relevance,weather\nA red car,dash.mp4,0,8,2,rain\na bus,dash.mp4,1:02.5,70,,\n"
        )
    )
    first, second = truth.rows
    assert (first.text, first.video, first.start_s, first.end_s, first.grade, first.properties) == (
        "A red car", "dash.mp4", 0.0, 8.0, 2, ("rain",),
    )  # fmt: skip
    assert (second.start_s, second.end_s, second.grade, second.row) == (62.5, 70.0, 1, 3)
    assert truth.property_names == ("weather",)
    assert not truth.rejected


def test_one_query_for_equal_texts_and_for_equal_ids(write):
    truth = read_truth(write("query,video\nrain,a1\nsnow,a2\nrain,a3\n"))
    assert [row.query_id for row in truth.rows] == ["1", "2", "1"]
    truth = read_truth(write("qid,text,video\n7,rain,a1\n7,snow,a2\n8,rain,a3\n"))
    assert [row.query_id for row in truth.rows] == ["7", "8"]
    assert "the query id 7 already has another text in row 2" in truth.rejected[0].reason


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiters_and_marks(write, delimiter, encoding):
    lines = [["Query", "Video ID", "Remark", "from", "to"], ["Ein Käfer, grün", "d.mp4", "x", "1", "2"]]
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in line) for line in lines)
    truth = read_truth(write(text, encoding=encoding))
    (row,) = truth.rows
    assert (row.text, row.video, row.start_s, row.end_s) == ("Ein Käfer, grün", "d.mp4", 1.0, 2.0)


def test_names_that_say_nothing(write):
    rows = "".join(
        f"clip {i},drive_{i:03}.mp4,the car turns left number {i},{i},{i + 4},{i % 3}\n" for i in range(9)
    )
    truth = read_truth(write("note,recording,utterance,t0,t1,goodness\n" + rows))
    assert roles(truth) == {
        "video": ("recording", "content"),
        "query": ("utterance", "content"),
        "start": ("t0", "content"),
        "end": ("t1", "content"),
        "relevance": ("goodness", "content"),
    }
    assert [row.grade for row in truth.rows] == [i % 3 for i in range(9)]


def test_no_header_at_all(write):
    truth = read_truth(write("the car turns left,drive_1.mp4,0,5\na dog runs,drive_2.mp4,3,9\n"))
    assert [(r.row, r.text, r.video, r.start_s) for r in truth.rows] == [
        (1, "the car turns left", "drive_1.mp4", 0.0),
        (2, "a dog runs", "drive_2.mp4", 3.0),
    ]


def test_known_videos_decide_what_a_name_cannot(write):
    path = write("alpha,beta\nhome street,a long way to go\nmain road,turn left here now\n")
    truth = read_truth(path, known_video=lambda name: name in {"home street", "main road"})
    assert roles(truth) == {"video": ("alpha", "content"), "query": ("beta", "content")}


def test_a_persons_choice_overrules(write):
    path = write("query,caption,video\na,b c,v1\n")
    assert read_truth(path).rows[0].text == "a"
    truth = read_truth(path, columns={"query": "caption"})
    assert truth.rows[0].text == "b c"
    assert roles(truth)["query"] == ("caption", "choice")
    with pytest.raises(DrivescopeError, match="has no column “words”; it has: query, caption, video"):
        read_truth(path, columns={"query": "words"})


def test_bad_rows_are_listed_and_the_rest_is_read(write):
    truth = read_truth(
        write(
            "query,video,start_s,end_s,relevance\n"
            "good,v1,0,8,1\n"
            ",v1,0,8,1\n"
            "no video,,0,8,1\n"
            "backwards,v1,8,0,1\n"
            "words,v1,soon,8,1\n"
            "half,v1,3,,1\n"
            "grade,v1,0,8,very\n"
            "short,v1\n"
            "nan,v1,nan,8,1\n"
        )
    )
    assert [row.text for row in truth.rows] == ["good"]
    assert [(row.row, row.reason) for row in truth.rejected] == [
        (3, "the query is empty"),
        (4, "no video is named"),
        (5, "the span ends (0 s) before it starts (8 s)"),
        (6, "the start “soon” is not a time"),
        (7, "the end “” is not a time"),
        (8, "the relevance “very” is not a whole number"),
        (9, "it has 2 of 5 columns"),
        (10, "the start “nan” is not a time"),
    ]


def test_a_quote_that_never_ends_swallows_nothing_silently(write):
    truth = read_truth(write('query,video,note\nfine,v1,x\n"open,v2,x\nnext,v3,x\n'))
    assert len(truth.rows) == 1
    assert [(row.row, row.reason) for row in truth.rejected] == [
        (4, "its text runs over several lines: a quote is not closed")
    ]


def test_reading_a_million_rows_can_be_stopped(write):
    path = write("query,video\n" + "a car,v1\n" * 5000)
    seen = []

    def step(stage, rows):
        seen.append((stage, rows))
        if rows >= 4000:
            raise Cancelled

    with pytest.raises(Cancelled):
        read_truth(path, step=step)
    assert seen == [("reading", 0), ("reading", 2000), ("reading", 4000)]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"query,video\nok,v1\ncaf\xe9,v2\n", "is not UTF-8 text: line 3 holds the byte 0xE9"),
        (b"query\0video", "line 1 holds a zero byte"),
        (b"just some prose\nwithout columns\n", "has no columns"),
        (b"speed,height\n1,2\n3,4\n", "none of the columns speed, height looks like the query"),
        (b'{"sentences": [', "is not whole JSON: something is wrong in line 1 at character 16"),
        (b"[" * 200_000, "is not whole JSON: it is nested too deeply"),
        (b'{"videos": []}', "has no list “sentences”"),
        (b"[1, 2]", "has no list “sentences”"),
    ],
)
def test_files_that_are_no_truth(write, content, sentence):
    path = write(content)
    with pytest.raises(DrivescopeError) as caught:
        read_truth(path)
    assert caught.value.kind is ErrorKind.BAD_INPUT
    assert sentence in caught.value.sentence
    assert str(path) in caught.value.sentence


def test_a_file_that_is_not_there_or_not_ours(tmp_path, write, monkeypatch):
    with pytest.raises(DrivescopeError, match="There is no file"):
        read_truth(tmp_path / "nothing.csv")
    with pytest.raises(DrivescopeError, match="is a folder"):
        read_truth(tmp_path)
    path = write("query,video\na b,v1\n")

    def refuse(_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DrivescopeError) as caught:
        read_truth(path)
    assert caught.value.kind is ErrorKind.NO_PERMISSION
    assert caught.value.sentence == f"{path} may not be read by this user."


def test_a_file_too_large_for_memory_is_refused_unread(write, monkeypatch):
    monkeypatch.setattr(files, "LARGEST_BYTES", 10)
    with pytest.raises(DrivescopeError, match="is larger than a gigabyte: split it"):
        read_truth(write("query,video\na b,v1\n"))


def test_a_field_without_end_is_named(write):
    with pytest.raises(DrivescopeError, match="line 2: field larger than field limit"):
        read_truth(write('query,video\n"' + "x" * 200_000 + ",v1\n"))


def test_many_rows(write):
    lines = [f"query number {i % 1000},video_{i % 500}.mp4,{i % 90},{i % 90 + 5}" for i in range(100_000)]
    truth = read_truth(write("query,video,start_s,end_s\n" + "\n".join(lines)))
    assert len(truth.rows) == 100_000
    assert len({row.query_id for row in truth.rows}) == 1000


# --- MSR-VTT, BDD-X, TREC -----------------------------------------------------------------------------


def test_msrvtt_csv_has_one_query_a_row(write):
    truth = read_truth(
        write(
            "key,vid_key,video_id,sentence\nret0,msr9770,video9770,a man sings\nret1,msr9771,video9771,a man sings\n"
        )
    )
    assert truth.kind == "MSR-VTT CSV"
    assert [(r.query_id, r.video) for r in truth.rows] == [("ret0", "video9770"), ("ret1", "video9771")]
    truth = read_truth(write("video_id,sentence\nv1,the same\nv2,the same\n"))
    assert len({row.query_id for row in truth.rows}) == 2


def test_msrvtt_json_with_and_without_a_split(write):
    content = {
        "videos": [{"video_id": "video1", "split": "train"}, {"video_id": "video2", "split": "test"}],
        "sentences": [
            {"video_id": "video1", "caption": "a road", "sen_id": 0},
            {"video_id": "video2", "caption": "a dog", "sen_id": 1},
            {"video_id": "video2", "caption": ""},
            "nonsense",
        ],
    }
    path = write(json.dumps(content), "MSRVTT_data.json")
    truth = read_truth(path)
    assert [(r.text, r.video, r.properties) for r in truth.rows] == [
        ("a road", "video1", ("train",)),
        ("a dog", "video2", ("test",)),
    ]
    assert [(r.row, r.reason) for r in truth.rejected] == [
        (3, "the query is empty"),
        (4, "no video is named"),
    ]
    for split in ("key,video_id\nret0,video2\n", "video2\n"):
        truth = read_truth(path, companion=write(split, "split.csv"))
        assert [row.video for row in truth.rows] == ["video2"]


def test_bddx_as_the_annotators_left_it(write):
    header = "Index,Input.Video," + ",".join(
        f"Answer.{i}{part}" for i in (1, 2) for part in ("action", "end", "justification", "start")
    )
    rows = (
        "1,https://example.com/clips/06d501fd-a9ffc960.mov,The car stops,11,for a red light,0,The car goes,19,,12\n"
        "2,https://example.com/clips/0712b3b4.mov,The car stops,5,for a red light,9,,,,\n"
    )
    truth = read_truth(write(header + "\n" + rows))
    assert truth.kind == "BDD-X CSV"
    assert [(r.text, r.start_s, r.end_s) for r in truth.rows] == [
        ("The car stops for a red light", 0.0, 11.0),
        ("The car goes", 12.0, 19.0),
    ]
    assert [row.row for row in truth.rejected] == [3]


def test_bddx_real_segments(footage):
    truth = read_truth(footage / "bddx_segments_long.csv")
    assert truth.kind == "BDD-X CSV"
    assert len(truth.rows) + len(truth.rejected) == 26_526
    backwards = [row for row in truth.rejected if "before it starts" in row.reason]
    assert len(backwards) == 9
    assert truth.rows[0].text == "The car accelerates because the light has turned green."
    assert truth.property_names == ("index", "split")


def test_trec_topics_and_qrels(write):
    topics = write("1 a red car\n2 a dog\n3 snow\n", "topics.txt")
    qrels = write("1 0 dash.mp4#t=0,8 2\n1 0 dash.mp4#t=8,16 0\n9 0 dash.mp4 1\n2 0 x.mp4 1\n", "qrels.txt")
    truth = read_truth(topics, companion=qrels)
    assert [(r.query_id, r.text, r.video, r.grade) for r in truth.rows] == [
        ("1", "a red car", "dash.mp4#t=0,8", 2),
        ("1", "a red car", "dash.mp4#t=8,16", 0),
        ("2", "a dog", "x.mp4", 1),
    ]
    assert [row.reason for row in truth.rejected] == [
        "the topic 9 is not in topics.txt",
        "the topic 3 has no judgement in qrels.txt",
    ]


def test_times():
    assert [seconds(t) for t in ("12", " 1:02.5 ", "1:00:02", "-3", "1e3")] == [12, 62.5, 3602, -3, 1000]
    assert [seconds(t) for t in ("", "soon", "inf", "nan", "1:99")] == [None] * 5
    assert np.isfinite(seconds("99999999"))
