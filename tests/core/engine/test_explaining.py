"""Heatmaps over the wire, with random models and small videos: exact frames, parts in order, kept, cancelled."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from core import protocol
from core.engine.explaining import HEAT_HEIGHT
from core.engine.workers import Job, ModelsThread
from core.errors import Cancelled
from core.explain.command import choose_target, clip_samples
from core.explain.heatmap import ClipSight
from core.library.library import Library
from core.models.registry import load_bundle
from tests.core.engine.conftest import PATIENCE_S
from tests.core.engine.test_session import Client as Window
from tests.core.engine.test_session import (
    bundle_folder,  # noqa: F401 - fixtures
    client,
    footage_folder,  # noqa: F401
    library_folder,  # noqa: F401
)

QUERY = "a red car turning left"


def heats(window: Window, **fields) -> list:
    """Every part of an answer."""
    parts = window.ask(protocol.GetHeat, **fields)
    while isinstance(parts[-1], protocol.Heat) and not parts[-1].last:
        parts += window.replies(parts[-1].id)
    return parts


@pytest.fixture
def opened(server, library_folder):  # noqa: F811
    """A window with an open library, and a clip from the middle of a video."""
    with client(server) as window:
        window.ask(protocol.OpenLibrary, path=str(library_folder))
        *_, ranked = window.ask(protocol.Search, text=QUERY)
        yield window, next(hit for hit in ranked.hits if hit.start_s == 4.0)


def test_maps_come_nearest_first_and_equal_the_slow_way(opened, library_folder, bundle_folder):  # noqa: F811
    window, hit = opened
    *parts, last = heats(window, clip_id=hit.clip_id, text=QUERY, near_s=5.0)
    assert last.last
    assert not any(part.last for part in parts)
    maps = [one for part in parts for one in part.maps]
    trust = [one for part in parts for one in part.trust]
    assert {one.number for one in maps} == set(range(12)) == {one.number for one in trust}
    assert len(maps) == len(trust) == 12  # none is sent twice
    away = [abs(one.time_s - 5.0) for one in maps]
    assert len(parts[0].maps) == 1
    assert away[0] == min(away)
    assert away == sorted(away)
    assert [one.number for one in trust] == [one.number for one in maps]
    first_trust = next(place for place, part in enumerate(parts) if part.trust)
    assert all(not part.maps for part in parts[first_trust:])

    library, bundle = Library.open(library_folder), load_bundle(bundle_folder, device="cpu")
    samples = clip_samples(library, bundle, hit.clip_id)
    sight = ClipSight.look(bundle, [rgb for _, rgb in samples])
    target = choose_target(bundle, QUERY)
    plain = sight.maps(target)
    judged = sight.faithfulness(target, plain)
    library.close()
    for one in maps:
        assert one.time_s == samples[one.number][0]  # the very frames that were indexed
        drawn = plain[one.number].on_frame(HEAT_HEIGHT, one.width)
        got = np.frombuffer(one.heat, np.uint8).reshape(one.height, one.width) / 255
        assert np.abs(got - drawn).mean() < 0.02  # batches of another size round otherwise
        assert one.score == pytest.approx(plain[one.number].score, abs=2e-3)
    for one in trust:
        assert one.faithfulness == pytest.approx(judged[one.number].value, abs=0.01)
        assert one.control == pytest.approx(judged[one.number].control, abs=0.01)


def test_what_was_computed_is_kept(opened, monkeypatch):
    window, hit = opened
    wish = {"clip_id": hit.clip_id, "text": QUERY, "method": "patches"}
    *parts, _ = heats(window, **wish)

    def forbidden(*_args: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(ClipSight, "maps", forbidden)
    monkeypatch.setattr(ClipSight, "faithfulness", forbidden)
    monkeypatch.setattr(ClipSight, "look", forbidden)
    again, last = heats(window, **wish, near_s=99.0)
    assert last.last
    assert len(again.maps) == len(again.trust) == 12
    assert again.maps[0].number == 11  # in the order of the new time
    first = {one.number: one.heat for part in parts for one in part.maps}
    assert {one.number: one.heat for one in again.maps} == first
    assert parts[0].methods[0] == "agreement"
    assert {"value", "relevance", "rollout"} < set(again.methods)


def test_words_and_differences_are_other_maps(opened):
    window, hit = opened

    def maps(**fields) -> dict:
        parts = heats(window, clip_id=hit.clip_id, text=QUERY, method="patches", **fields)
        return {one.number: one.heat for part in parts for one in part.maps}

    whole, words, against = maps(), maps(phrase="red car"), maps(against="a bus")
    assert whole != words != against != whole
    alone = heats(window, clip_id=hit.clip_id, text="red car", method="patches")
    assert words == {one.number: one.heat for part in alone for one in part.maps}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"text": "  "}, "The query is empty"),
        ({"text": QUERY, "phrase": "blue"}, "“blue” is not in the query"),
        ({"text": QUERY, "against": QUERY}, "Both queries mean the same"),
        ({"text": QUERY, "method": "features"}, "does not apply"),
        ({"text": QUERY, "method": "magic"}, "no heatmap method called 'magic'"),
        ({"text": QUERY, "phrase": "red", "against": "rain"}, "not for both"),
    ],
)
def test_what_cannot_be_is_one_sentence(opened, fields, sentence):
    window, hit = opened
    (failed,) = window.ask(protocol.GetHeat, clip_id=hit.clip_id, **fields)
    assert failed.kind == "bad_input"
    assert sentence in failed.sentence


def test_a_clip_or_a_library_that_is_not_there(server, opened):
    window, _ = opened
    (failed,) = window.ask(protocol.GetHeat, clip_id=999, text=QUERY)
    assert failed.kind == "not_found"
    with client(server) as other:
        (failed,) = other.ask(protocol.GetHeat, clip_id=1, text=QUERY)
    assert "No library is open" in failed.sentence


def test_a_clip_that_nobody_looks_at_any_more_is_stopped_and_a_search_comes_first(opened, monkeypatch):
    window, hit = opened
    judging, going_on = threading.Event(), threading.Event()
    plain = ClipSight.faithfulness

    def slow(*args: object) -> object:
        judging.set()
        assert going_on.wait(PATIENCE_S)
        return plain(*args)

    monkeypatch.setattr(ClipSight, "faithfulness", slow)
    request = protocol.GetHeat(id=700, clip_id=hit.clip_id, text=QUERY)
    window.connection.send(protocol.encode(request))
    assert judging.wait(PATIENCE_S)
    *_, ranked = window.ask(protocol.Search, text="rain")  # answered in the middle of it
    assert ranked.final
    window.connection.send(protocol.encode(protocol.Cancel(id=701, target=700)))
    window.ask(protocol.GetLibrary)  # the cancel has arrived
    going_on.set()
    parts = window.replies(700)
    while isinstance(parts[-1], protocol.Heat):
        parts = window.replies(700)
    assert isinstance(parts[-1], protocol.Cancelled)


def test_work_that_can_wait_lets_the_models_thread_pass():
    models, other = ModelsThread(), ThreadPoolExecutor(1)
    job = Job(1)
    models.let_pass(job.check)  # nothing to wait for
    hold, order = threading.Event(), []
    models.submit(hold.wait)
    second = models.submit(lambda: order.append("query"))
    waiting = other.submit(lambda: (models.let_pass(job.check), order.append("heat")))
    time.sleep(0.1)
    assert not waiting.done()
    hold.set()
    waiting.result(PATIENCE_S)
    assert second.done()
    assert order == ["query", "heat"]
    hold.clear()
    models.submit(hold.wait)
    stopped = other.submit(models.let_pass, job.check)
    job.cancel()
    with pytest.raises(Cancelled):
        stopped.result(PATIENCE_S)
    hold.set()
    models.submit(int, "no number").exception(PATIENCE_S)
    models.let_pass(Job(2).check)  # a failure does not count for ever
    models.shutdown()
    other.shutdown()
