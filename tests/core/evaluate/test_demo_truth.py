"""Truth files of the demo world: every answer of a query, and sentences that belong to their clip."""

import json

import pytest

from core.errors import DrivescopeError
from core.evaluate import demo_truth
from core.evaluate.datasets import read_truth
from core.evaluate.gallery import Gallery
from core.evaluate.matching import match
from core.evaluate.slices import properties_of
from core.world.truth import ActorTruth, ClipTruth, Event
from tests.core.evaluate.conftest import clips_of


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two nights in the city and a day in the country; a dog crosses in the first and the last."""
    (tmp_path / "demo").mkdir()
    for number, (light, road, dog) in enumerate(
        [("night", "city", True), ("night", "city", False), ("day", "rural", True)]
    ):
        truth = ClipTruth(
            seed=number,
            duration_s=8.0,
            road=road,
            light=light,
            weather="rain",
            ego="straight",
            lanes=2,
            events=(Event("crosses from left", 2.0, 5.0, 1),) if dog else (),
            actors=(ActorTruth(1, "dog", "brown", "event", "left"),) if dog else (),
        )
        (tmp_path / "demo" / f"demo_{number:03}.json").write_text(truth.to_json())
    queries = [
        {"query": "night", "predicate": {"light": "night"}},
        {"query": "a dog crosses", "predicate": {"events": [{"name": "crosses from left", "kind": "dog"}]}},
    ]
    (tmp_path / "demo" / "queries.json").write_text(json.dumps(queries))
    monkeypatch.setattr(demo_truth.paths, "resources", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def demo_gallery():
    return Gallery(clips_of({f"/x/demo_{n:03}.mp4": 8 for n in range(3)}))


def test_queries_with_all_their_answers(folder, demo_gallery):
    assert demo_truth.main([str(folder / "q.csv")]) == 0
    queries = match(read_truth(folder / "q.csv", known_video=demo_gallery.knows), demo_gallery)
    assert [(q.text, set(queries.grades[q.query_id])) for q in queries.queries] == [
        ("night", {1, 2}),
        ("a dog crosses", {1, 3}),
    ]
    assert not queries.rejected
    assert properties_of(queries.queries[0])["light"] == ("night",)
    assert "light" not in properties_of(queries.queries[1])


def test_captions_of_each_clip(folder, demo_gallery):
    assert demo_truth.main([str(folder / "c.csv"), "--captions", "4"]) == 0
    again = folder / "again.csv"
    demo_truth.main([str(again), "--captions", "4"])
    assert again.read_bytes() == (folder / "c.csv").read_bytes()
    truth = read_truth(folder / "c.csv")
    assert len(truth.rows) >= 10
    assert {row.video for row in truth.rows} == {"demo_000.mp4", "demo_001.mp4", "demo_002.mp4"}
    queries = match(truth, demo_gallery)
    dogs = [q for q in queries.queries if "dog" in q.text]
    assert dogs
    assert all(2 not in queries.grades[q.query_id] for q in dogs)
    assert {q.properties["road"] for q in queries.queries} == {"city", "rural"}


def test_without_demo_clips(folder, capsys):
    for path in (folder / "demo").glob("demo_*.json"):
        path.unlink()
    assert demo_truth.main([str(folder / "q.csv")]) == 2
    assert "The demo clips are not in" in capsys.readouterr().err
    with pytest.raises(DrivescopeError):
        demo_truth.truths(folder / "demo")
