"""The demo clips: a plan that covers the grammar, files that keep it, queries that have answers."""

import json
from collections import Counter
from pathlib import Path

import av
import pytest

from core.world import demo
from core.world.demo_plan import Wish, wishes
from core.world.truth import (
    EVENTS,
    LIGHTS,
    MANOEUVRES,
    ROADS,
    WEATHERS,
    ActorTruth,
    Box,
    ClipTruth,
    Event,
    FrameTruth,
    matches,
    shown,
)  # fmt: skip

FOLDER = Path(demo.__file__).parents[2] / "resources" / "demo"


@pytest.fixture(scope="module")
def truths():
    return {path.stem: ClipTruth.from_json(path.read_text()) for path in sorted(FOLDER.glob("demo_*.json"))}


def test_the_plan_covers_the_grammar():
    plan = wishes()
    for attribute, words in (("road", ROADS), ("light", LIGHTS), ("weather", WEATHERS)):
        counts = Counter(getattr(wish, attribute) for wish in plan)
        assert all(counts[word] >= 4 for word in words), counts
    lights = Counter(wish.light for wish in plan)
    assert abs(lights["day"] - lights["night"]) <= 0.1 * len(plan), lights
    for road in ROADS:
        assert {wish.light for wish in plan if wish.road == road} == set(LIGHTS), road
    for road in ("city", "intersection", "highway", "rural"):
        assert {wish.weather for wish in plan if wish.road == road} == set(WEATHERS), road
    assert len({wish.name for wish in plan}) == len(plan)


def test_an_event_of_an_actor_is_clearer_the_more_of_it_shows():
    def clip(area, ego="straight"):
        frames = tuple(FrameTruth(t + 0.5, 10.0, (Box(0, 0, 0, 1, 1, 1.0, area, 9.0),), {}) for t in range(8))
        event, turn = Event("cuts in from left", 2.0, 5.0, 0), Event("ego turns left", 2.0, 5.0)
        actor = ActorTruth(0, "van", "red", "event", "left")
        return ClipTruth(1, 8.0, "city", "day", "clear", ego, 2, (event, turn), (actor,), frames)

    def wish(event, kind):
        return Wish(0, "city", "day", "clear", "cut_in", event, kind)

    cut = wish("cuts in from left", "van")
    assert demo.clearness(clip(0.02), cut) == pytest.approx(0.02)
    assert demo.clearness(clip(0.5), cut) == demo.clearness(clip(0.3), cut) == pytest.approx(0.08)
    assert demo.clearness(clip(0.02), wish("cuts in from left", "car")) == 0.0
    assert demo.clearness(clip(0.02), wish("ego turns left", "")) == 0.0
    assert demo.clearness(clip(0.02, ego="turns left"), wish("ego turns left", "")) == 1.0


def test_the_clearest_of_several_scenes_is_cast():
    plan = [Wish(902, "highway", "day", "clear", "cut_in", "cuts in from left", "car", "", n) for n in (1, 3)]
    first, best = (demo.cast_scene(wish) for wish in plan)
    assert best.seed >= first.seed
    assert demo.clearness(demo.survey(best), plan[1]) >= demo.clearness(demo.survey(first), plan[0]) > 0


def test_an_impossible_wish_is_said_so():
    wish = Wish(900, "highway", "day", "clear", "cut_in", "door opens", "")
    with pytest.raises(LookupError, match="line 900"):
        demo.cast_scene(wish, tries=3)


def test_a_film_and_its_truth(tmp_path, monkeypatch):
    for name, value in (("WIDTH", 160), ("HEIGHT", 90), ("FACTOR", 1), ("RATE", 2)):
        monkeypatch.setattr(demo, name, value)
    wish = Wish(901, "highway", "day", "rain", "cut_in", "cuts in from left", "")
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
    assert [path.stem for path in films] == [wish.name for wish in wishes()] == sorted(truths)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 60e6
    for path in films[::15]:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            assert stream.codec_context.name == "h264"
            assert stream.codec_context.pix_fmt == "yuv420p"
            assert float(stream.duration * stream.time_base) == pytest.approx(8.0, abs=0.1)
            assert len(truths[path.stem].frames) == stream.frames


def test_the_bundled_clips_show_what_was_wished(truths):
    for wish in wishes():
        truth = truths[wish.name]
        assert (truth.road, truth.light, truth.weather) == (wish.road, wish.light, wish.weather)
        assert matches(truth, wish.predicate), wish
        first = demo.FIRST_SEED + 1000 * wish.index
        assert first <= truth.seed < first + 1000  # no seed of training, validation or test is among them
    counts = Counter(event.name for truth in truths.values() for event in truth.events)
    assert all(counts[name] >= 3 for name in EVENTS), counts
    assert {truth.ego for truth in truths.values()} == set(MANOEUVRES)
    kinds = Counter(
        kind
        for truth in truths.values()
        for kind in {actor.kind for actor in truth.actors if shown(truth, actor.id) >= 12}
    )
    assert len(kinds) >= 13, kinds
    assert min(kinds.values()) >= 3, kinds


def test_every_query_has_answers(truths):
    queries = json.loads((FOLDER / "queries.json").read_text())
    assert len(queries) == 20
    assert len({query["query"] for query in queries}) == 20
    for query in queries:
        found = [name for name, truth in truths.items() if matches(truth, query["predicate"])]
        assert 3 <= len(found) <= 20, (query["query"], found)
