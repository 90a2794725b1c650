"""The demo clips: a plan that covers the grammar, files that keep it, queries that have answers."""

import json
from collections import Counter
from pathlib import Path

import av
import pytest

from core.world import demo
from core.world.truth import EVENTS, LIGHTS, WEATHERS, ClipTruth, matches

FOLDER = Path(demo.__file__).parents[2] / "resources" / "demo"


@pytest.fixture(scope="module")
def truths():
    return {path.stem: ClipTruth.from_json(path.read_text()) for path in sorted(FOLDER.glob("demo_*.json"))}


def test_the_plan_covers_the_grammar():
    plan = demo.wishes()
    assert len(plan) >= 60
    for attribute, words in (("light", LIGHTS), ("weather", WEATHERS)):
        counts = Counter(getattr(wish, attribute) for wish in plan)
        assert all(counts[word] >= 4 for word in words), counts
    roads = Counter(wish.road for wish in plan)
    assert all(
        roads[road] >= 3 for road in ("city", "intersection", "highway", "rural", "roundabout", "tunnel")
    )
    assert len({wish.name for wish in plan}) == len(plan)


def test_an_impossible_wish_is_said_so():
    wish = demo.Wish(900, "highway", "day", "clear", "cut_in", "door opens", "")
    with pytest.raises(LookupError, match="line 900"):
        demo.cast_scene(wish, tries=3)


def test_a_film_and_its_truth(tmp_path, monkeypatch):
    for name, value in (("WIDTH", 160), ("HEIGHT", 90), ("FACTOR", 1), ("RATE", 2)):
        monkeypatch.setattr(demo, name, value)
    wish = demo.Wish(901, "highway", "day", "rain", "cut_in", "cuts in from left", "")
    truth = demo.film(wish, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["demo_901.json", "demo_901.mp4"]
    assert ClipTruth.from_json((tmp_path / "demo_901.json").read_text()) == truth
    assert any(e.name == "cuts in from left" for e in truth.events)
    with av.open(str(tmp_path / "demo_901.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == len(truth.frames) == 16
    assert frames[0].shape == (90, 160, 3)
    assert frames[0].std() > 10


def test_the_bundled_clips_are_whole(truths):
    films = sorted(FOLDER.glob("*.mp4"))
    assert [path.stem for path in films] == [wish.name for wish in demo.wishes()] == sorted(truths)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 38e6
    for path in films[::9]:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            assert stream.codec_context.name == "h264"
            assert stream.codec_context.pix_fmt == "yuv420p"
            assert float(stream.duration * stream.time_base) == pytest.approx(8.0, abs=0.1)
            assert len(truths[path.stem].frames) == stream.frames


def test_the_bundled_clips_show_what_was_wished(truths):
    for wish in demo.wishes():
        truth = truths[wish.name]
        assert (truth.road, truth.light, truth.weather) == (wish.road, wish.light, wish.weather)
        if wish.event:
            event = {"name": wish.event, "kind": wish.kind} if wish.kind else wish.event
            assert matches(truth, {"events": [event]}), wish
    counts = Counter(event.name for truth in truths.values() for event in truth.events)
    assert all(counts[name] >= 2 for name in EVENTS), counts


def test_every_query_has_answers(truths):
    queries = json.loads((FOLDER / "queries.json").read_text())
    assert len(queries) == 20
    assert len({query["query"] for query in queries}) == 20
    for query in queries:
        found = [name for name, truth in truths.items() if matches(truth, query["predicate"])]
        assert 2 <= len(found) <= 20, (query["query"], found)
