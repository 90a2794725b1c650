"""Rows of a truth find their clips, or say why not."""

import dataclasses
from pathlib import Path

import pytest

from core.errors import DrivescopeError
from core.evaluate.gallery import Gallery, NotFound, split_fragment
from core.evaluate.matching import match, preview
from core.evaluate.sampled import Judgement
from core.evaluate.truth import SpanRule, TruthFile, TruthRow
from tests.core.evaluate.conftest import FakeClip, clips_of


def truth_of(*rows, rejected=()):
    return TruthFile(Path("truth.csv"), "CSV", "0", "utf-8", tuple(rows), rejected)


def row(number, video, start_s=None, end_s=None, *, query="1", grade=1, stratum=""):
    return TruthRow(number, query, f"text {query}", video, start_s, end_s, grade, stratum)


@pytest.mark.parametrize(
    ("rule", "start_s", "end_s", "expected"),
    [
        (SpanRule("contains", 0.5), 9, 12, (2,)),  # an event inside a clip
        (SpanRule("contains", 0.5), 4, 20, (1, 2, 3)),  # halves of the outer clips
        (SpanRule("contains", 0.6), 4, 20, (2,)),
        (SpanRule("contains", 0.5), 10, 10, (2,)),  # a moment without length
        (SpanRule("iou", 0.5), 0, 8, (1,)),
        (SpanRule("iou", 0.3), 4, 12, (1, 2)),  # 4 of 12 s each
        (SpanRule("iou", 0.5), 6, 14, (2,)),  # 6 of 10 s
    ],
)
def test_spans_by_hand(gallery, rule, start_s, end_s, expected):
    assert gallery.clips_of("dash.mp4", start_s, end_s, rule) == (1, expected)


def test_overlaps_equal_the_plain_loop():
    import numpy as np

    generator = np.random.default_rng(3)
    clips = clips_of({"/v/x.mp4": 100.0, "/v/y.mp4": 50.0}, clip_s=7.0)
    gallery = Gallery(clips)
    for _ in range(300):
        start, length = generator.uniform(0, 110), generator.uniform(0, 30)
        rule = SpanRule("iou" if generator.random() < 0.5 else "contains", float(generator.uniform(0.05, 1)))
        expected = tuple(
            c.clip_id
            for c in clips
            if c.video_id == 1
            and (share := rule.share(start, start + length, c.start_s, c.end_s)) >= rule.threshold
            and share > 0
        )
        try:
            got = gallery.clips_of("x", start, start + length, rule)[1]
        except NotFound:
            got = ()
        assert got == expected


@pytest.mark.parametrize(
    "name",
    [
        "dash.mp4",
        "dash",
        "DASH.MP4",
        "/v/dash.mp4",
        "C:\\rec\\dash.mp4",
        "dash.mov",
        "https://x.org/y/dash.mov?k=1",
    ],
)
def test_names_of_one_video(gallery, name):
    assert gallery.clips_of(name, None, None, SpanRule()) == (1, (1, 2, 3))


def test_names_of_two_videos_need_their_folder(gallery):
    assert gallery.clips_of("b/same.mp4", None, None, SpanRule()) == (4, (7,))
    assert gallery.clips_of("/v/a/same", None, None, SpanRule()) == (3, (6,))
    with pytest.raises(NotFound, match=r"2 videos of the library are called same.mp4"):
        gallery.clips_of("same.mp4", None, None, SpanRule())


def test_names_of_other_systems():
    composed, taken_apart = "Stra\u00dfe gr\u00fcn.mp4", "Stra\u00dfe gru\u0308n.mp4"
    gallery = Gallery(clips_of({f"/v/{taken_apart}": 8, "/v/Dash.mp4": 8, "/v/dash.mp4": 8}))
    assert gallery.clips_of(composed, None, None, SpanRule())[0] == 1
    assert [gallery.clip_of_document(gallery.document(clip_id)) for clip_id in (1, 2, 3)] == [1, 2, 3]
    assert gallery.clips_of("Dash.mp4", None, None, SpanRule())[0] == 2
    with pytest.raises(NotFound, match="2 videos"):
        gallery.clips_of("DASH.mp4", None, None, SpanRule())


def test_every_reason(gallery):
    some = Gallery(clips_of({"/v/dash.mp4": 24}), indexed={1, 2})
    for where, arguments, reason in (
        (gallery, ("gone.mp4", None, None), "the library has no video gone.mp4"),
        (gallery, ("broken.mp4", 0, 8), "broken.mp4 could not be indexed: its header is damaged"),
        (gallery, ("dash.mp4", 30, 31), "no clip of dash.mp4 lies at 30 to 31 s; its clips end at 24 s"),
        (some, ("dash.mp4", 17, 23), "the clip that it means in dash.mp4 is not indexed"),
    ):
        with pytest.raises(NotFound, match=reason):
            where.clips_of(*arguments, SpanRule())
    with pytest.raises(NotFound, match=r"the best, 8 to 16 s, has iou 0.12, below 0.5"):
        gallery.clips_of("dash.mp4", 9, 10, SpanRule("iou"))


def test_documents_come_back(gallery):
    names = {clip_id: gallery.document(clip_id) for clip_id in sorted(gallery.clip_ids)}
    assert names == {
        1: "dash.mp4#t=0,8",
        2: "dash.mp4#t=8,16",
        3: "dash.mp4#t=16,24",
        4: "Night%20Drive.MOV#t=0,8",
        5: "Night%20Drive.MOV#t=8,12",
        6: "a/same.mp4#t=0,8",
        7: "b/same.mp4#t=0,8",
    }
    for clip_id, name in names.items():
        assert gallery.clip_of_document(name) == clip_id
    assert gallery.clip_of_document("a/same.mp4") == 6
    with pytest.raises(NotFound, match=r"dash.mp4 has 3 clips"):
        gallery.clip_of_document("dash.mp4")
    with pytest.raises(NotFound, match=r"dash.mp4 has no clip from 1 to 9 s"):
        gallery.clip_of_document("dash.mp4#t=1,9")


@pytest.mark.parametrize("name", ["50%.mp4", "a#b.mp4", "x#t=1,2.mp4", "grün gelb.mp4", "tab\tname.mp4"])
def test_odd_file_names_survive(name):
    gallery = Gallery(clips_of({f"/v/{name}": 8}))
    document = gallery.document(1)
    assert document.split() == [document]
    assert gallery.clip_of_document(document) == 1
    assert split_fragment(document)[0] == name


def test_grades_of_many_clips(gallery):
    queries = match(
        truth_of(
            row(2, "dash.mp4", 0, 8, grade=2),
            row(3, "dash.mp4", 0, 16, grade=1),
            row(4, "night drive", grade=0),
            row(5, "gone.mp4", query="2"),
            row(6, "dash.mp4", 0, 8, grade=2),
            row(7, "dash.mp4", 16, 24, query="3", grade=0),
        ),
        gallery,
    )
    assert queries.grades == {"1": {1: 2, 2: 1, 4: 0, 5: 0}}
    assert [q.query_id for q in queries.queries] == ["1"]
    assert [q.query_id for q in queries.unanswered] == ["2", "3"]
    assert queries.spans == {"1": ((1, 0.0, 8.0), (1, 0.0, 16.0))}
    assert [(r.row, r.reason) for r in queries.rejected] == [
        (5, "the library has no video gone.mp4"),
        (6, "it says again what row 2 says"),
    ]
    assert queries.pools == {}
    assert queries.rows == 6


def test_pools_are_kept_where_judgements_are_a_sample(gallery):
    queries = match(
        truth_of(
            row(1, "dash.mp4#t=0,8", stratum="1"),
            row(2, "dash.mp4#t=8,16", grade=-1, stratum="2"),
            row(3, "a/same.mp4", query="2"),
        ),
        gallery,
    )
    assert queries.pools == {
        "1": {1: Judgement("1", 1), 2: Judgement("2", -1)},
        "2": {6: Judgement("", 1)},
    }


def test_frames_become_seconds_by_the_videos_rate(gallery):
    rows = (row(2, "dash.mp4", 200, 399), row(3, "gone.mp4", 0, 9))  # 25 frames a second: 8 to 16 s
    truth = dataclasses.replace(truth_of(*rows), in_frames=True)
    queries = match(truth, gallery, SpanRule("iou", 1.0))
    assert queries.grades == {"1": {2: 1}}
    assert queries.spans == {"1": ((1, 8.0, 16.0),)}
    assert queries.rejected[0].reason == "the library has no video gone.mp4"
    unknown = Gallery([FakeClip(1, 1, "/v/x.mp4", 0.0, 8.0, fps=0.0)])
    with pytest.raises(NotFound, match="the frame rate of x is not known"):
        unknown.seconds_of_frames("x", 0, 9)


def test_nothing_matched_says_why_once(gallery):
    with pytest.raises(
        DrivescopeError, match=r"No row of truth.csv means a clip of this library; row 1: the library"
    ):
        match(truth_of(row(1, "gone.mp4"), row(2, "lost.mp4")), gallery)
    with pytest.raises(DrivescopeError, match=r"it calls nothing relevant"):
        match(truth_of(row(1, "dash.mp4", grade=0)), gallery)


def test_preview(tmp_path, gallery):
    path = tmp_path / "truth.csv"
    path.write_text("words,file,split\na dog runs,dash,test\nsnow falls,gone.mp4,test\n")
    shown = preview(path, gallery).as_dict()
    assert shown["columns"] == {
        "video": {"name": "file", "found_by": "name"},
        "query": {"name": "words", "found_by": "content"},
    }
    assert (shown["rows"], shown["queries"], shown["unanswered"]) == (2, 1, 1)
    assert shown["rejected"] == [
        {"row": 3, "query": "snow falls", "video": "gone.mp4", "reason": "the library has no video gone.mp4"}
    ]
    assert shown["first_rows"][0]["video"] == "dash"
    assert shown["property_names"] == ["split"]
    assert shown["header"] == ["words", "file", "split"]
    assert (shown["matched_rows"], shown["unmatched_rows"]) == (1, 1)
    assert shown["span_rule"] == {"overlap": "contains", "threshold": 0.5}
    assert preview(path, gallery, columns={"query": "split"}).columns[0].found_by == "choice"


def test_a_preview_shows_a_file_of_which_nothing_matches(tmp_path, gallery):
    path = tmp_path / "truth.csv"
    path.write_text("query,video,start_s,end_s\nsnow,dash,0,2\nsnow,gone,0,8\n")
    shown = preview(path, gallery, SpanRule("iou", 0.9))
    assert (shown.queries, shown.matched, shown.unanswered) == (0, 0, 1)
    assert [row.row for row in shown.rejected] == [2, 3]
    assert "has iou 0.25, below 0.9" in shown.rejected[0].reason
    assert len(shown.as_dict(most=1)["rejected"]) == 1
    assert preview(path, gallery).matched == 1  # another rule
