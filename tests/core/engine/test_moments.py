"""Moments over a real socket, with the shipped models: two shipped videos cut into short clips."""

import json
import shutil

import numpy as np
import pytest
import torch

from core import paths, protocol
from core.cli import main
from core.engine.host import Host
from core.explain.moments_footage import LENGTHS, raw_length
from core.library.library import Library
from core.models.registry import load_bundle
from tests.core.engine.conftest import TOKEN, ServerThread, dial
from tests.core.engine.test_words import Window

CLIP_S = 2.0
QUERY = "a pedestrian crosses the road"


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return tmp_path_factory.mktemp("moments") / "library"


@pytest.fixture(scope="module")
def window(library, tmp_path_factory):
    footage = tmp_path_factory.mktemp("footage")
    for file in sorted((paths.resources() / "demo").glob("*.mp4"))[:2]:
        shutil.copy(file, footage)
    running = ServerThread(Host("cpu"))
    with dial(running) as connection:
        connection.send(protocol.encode(protocol.Hello(token=TOKEN, protocol=protocol.PROTOCOL_VERSION)))
        asking = Window(connection)
        asking.ask(protocol.OpenLibrary, path=str(library), create=True)
        *_, added = asking.ask(protocol.AddFootage, paths=(str(footage),), clip_seconds=CLIP_S)
        assert added.clips == 8
        yield asking
    running.stop()


def one(replies):
    (reply,) = replies
    return reply


def test_a_query_gives_a_curve_over_the_whole_video(window):
    found = one(window.ask(protocol.GetMoments, text=QUERY, clip_id=1))
    assert isinstance(found, protocol.Moments)
    assert found.duration_s == pytest.approx(8.0, abs=0.1)
    assert [clip.start_s for clip in found.clips] == [0.0, 2.0, 4.0, 6.0]
    assert len(found.curve) == len(found.cosines) == len(found.starts_s) == len(found.ends_s) == 48
    assert found.starts_s[0] == 0.0
    assert list(found.starts_s[1:]) == pytest.approx(list(found.ends_s[:-1]))
    assert abs(float(np.mean(found.curve))) < 1e-6
    assert float(np.std(found.curve)) == pytest.approx(1.0)
    assert found.bounds_s[0] == 0.0
    assert list(found.bounds_s) == sorted(found.bounds_s)
    assert found.scope == "happening"
    clips = {clip.clip_id: clip for clip in found.clips}
    for moment in found.moments:
        assert 0 <= moment.start_s < moment.end_s <= found.duration_s
        assert moment.start_s <= moment.peak_s <= moment.end_s
        assert clips[moment.clip_id].start_s <= moment.peak_s < clips[moment.clip_id].end_s
    scores = [moment.score for moment in found.moments]
    assert scores == sorted(scores, reverse=True)


def test_every_clip_of_a_video_gets_the_same_answer_and_other_queries_change_nothing(window):
    first = one(window.ask(protocol.GetMoments, text=QUERY, clip_id=1))
    one(window.ask(protocol.GetMoments, text="driving in the fog", clip_id=2))
    again = one(window.ask(protocol.GetMoments, text=QUERY, clip_id=3))
    assert (first.curve, first.moments, first.bounds_s) == (again.curve, again.moments, again.bounds_s)
    other = one(window.ask(protocol.GetMoments, text=QUERY, clip_id=5))
    assert other.video_id != first.video_id


def test_a_chosen_span_is_scored_like_the_moments(window):
    best = one(window.ask(protocol.GetMoments, text=QUERY, clip_id=1)).moments[0]
    span = {"start_s": best.start_s, "end_s": best.end_s}
    scored = one(window.ask(protocol.ScoreSpan, text=QUERY, clip_id=1, **span))
    assert scored.moment == best
    assert scored.share == 1.0


def test_key_images_lie_in_their_clip(window):
    found = one(window.ask(protocol.GetKeyframes, clip_id=2))
    assert 1 <= len(found.keyframes) <= 8
    assert all(2.0 <= k.start_s <= k.time_s <= k.end_s <= 4.0 for k in found.keyframes)


@pytest.mark.parametrize(
    ("request_", "fields", "kind"),
    [
        (protocol.GetMoments, {"text": " ", "clip_id": 1}, "bad_input"),
        (protocol.GetMoments, {"text": "rain", "clip_id": 999}, "not_found"),
        (protocol.GetKeyframes, {"clip_id": 999}, "not_found"),
        (protocol.ScoreSpan, {"text": "rain", "clip_id": 1, "start_s": 3.0, "end_s": 3.0}, "bad_input"),
        (
            protocol.ScoreSpan,
            {"text": "rain", "clip_id": 1, "start_s": float("nan"), "end_s": 3.0},
            "bad_input",
        ),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(window, request_, fields, kind):
    failed = one(window.ask(request_, **fields))
    assert isinstance(failed, protocol.Failed)
    assert failed.kind == kind
    assert failed.sentence.endswith(".")


def test_the_command_gives_what_the_window_gets(window, library, capsys):
    asked = one(window.ask(protocol.GetMoments, text=QUERY, clip_id=1))
    with_video = ["moments", QUERY, "--library", str(library), "--video", "demo_000", "--json"]
    assert main(with_video) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["video"].endswith("demo_000.mp4")
    assert answer["scope"] == asked.scope
    spans = [(m["start_s"], m["end_s"]) for m in answer["moments"]]
    assert spans == [(m.start_s, m.end_s) for m in asked.moments]
    assert len(answer["curve"]) == 48
    assert main(["moments", QUERY, "--library", str(library), "--video", "demo"]) == 2
    assert "2 videos" in capsys.readouterr().err
    assert main(["moments", QUERY, "--library", str(library), "--video", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_the_length_of_raw_vectors_is_found_again(window, library):
    bundle = load_bundle("drive-tiny", device="cpu")
    opened = Library.open(library)
    store = opened.features(bundle.spec)
    frames, pooled = np.asarray(store.frames, np.float32), np.asarray(store.video, np.float32)
    opened.close()
    length = raw_length(bundle, frames, pooled)
    assert LENGTHS[0] < length < LENGTHS[-1]
    with torch.no_grad():
        again = bundle.reranker.pool(torch.from_numpy(frames) * length).video.numpy()
    assert (again * pooled).sum(axis=1).min() > 0.99
