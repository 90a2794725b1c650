"""The item models and the two picture caches."""

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QImage

from core.protocol import GetFrames, GetThumbnail
from explorer.engine_client import EngineClient
from explorer.models import thumbnails as thumbnails_module
from explorer.models.frames import Frames
from explorer.models.hits import HitRole, HitsModel
from explorer.models.playback import Playback
from explorer.models.thumbnails import Thumbnails, tile_rect
from explorer.models.transport import SPEEDS
from explorer.models.videos import VideosModel
from tests.explorer.test_plain import hit


def ranked(*clips: int) -> tuple:
    """Hits in this order; the clip's id is also its rank of the first stage."""
    return tuple(hit(rank, clip_id=clip, first_rank=clip) for rank, clip in enumerate(clips, 1))


def shown(model: HitsModel) -> list[int]:
    return [model.hit(row).clip_id for row in range(model.rowCount())]


@pytest.fixture
def client(qtbot, engine):
    made = EngineClient()
    with qtbot.waitSignal(made.connected):
        made.connect_to(engine.port, "")
    yield made
    made.close()


def test_hits_model_is_a_sound_model(qtmodeltester):
    model = HitsModel()
    qtmodeltester.check(model)
    model.show_ranking(ranked(1, 2, 3, 4))
    model.show_ranking(ranked(4, 3, 2, 1), hold_row=2)
    model.release()
    model.show_ranking(ranked(9, 8))
    qtmodeltester.check(model)
    assert model.rowCount(model.index(0)) == 0  # a list has no children; the tester does not look


def test_a_held_card_keeps_its_row_and_the_others_flow_around_it():
    model = HitsModel()
    model.show_ranking(ranked(1, 2, 3, 4, 5))
    model.show_ranking(ranked(5, 4, 3, 2, 1), hold_row=1)
    assert shown(model) == [5, 2, 4, 3, 1]
    assert model.data(model.index(1), HitRole.HELD)
    assert not model.data(model.index(0), HitRole.HELD)
    assert model.hit(1).rank == 4  # it says its true rank all the same
    assert model.holding
    model.release()
    assert shown(model) == [5, 4, 3, 2, 1]
    assert not model.holding


def test_a_held_card_that_is_no_longer_ranked_stays_until_released():
    model = HitsModel()
    model.show_ranking(ranked(1, 2, 3))
    model.show_ranking(ranked(1, 3, 7), hold_row=1)
    assert shown(model) == [1, 2, 3, 7]
    model.release()
    assert shown(model) == [1, 3, 7]


def test_persistent_indexes_follow_their_clip():
    from PySide6.QtCore import QPersistentModelIndex

    model = HitsModel()
    model.show_ranking(ranked(1, 2, 3))
    kept = QPersistentModelIndex(model.index(2))
    model.show_ranking(ranked(3, 1, 2))
    assert kept.row() == 0
    assert kept.data(HitRole.HIT).clip_id == 3


def test_rank_change_and_tooltip():
    model = HitsModel()
    model.show_ranking((hit(3, first_rank=15, rerank_score=0.284, video="<b>.mp4"),))
    assert model.data(model.index(0), HitRole.CHANGE) == 12
    tip = model.data(model.index(0), Qt.ItemDataRole.ToolTipRole)
    assert "&lt;b&gt;.mp4" in tip
    assert "rank 15" in tip
    assert "up 12" in tip
    assert model.data(QModelIndex(), HitRole.HIT) is None


def test_videos_model(qtmodeltester, engine, qtbot):
    model = VideosModel()
    videos = tuple(engine.world.videos)
    model.show_videos(videos)
    qtmodeltester.check(model)
    with qtbot.waitSignal(model.chosen_changed, check_params_cb=lambda ids: ids == (videos[2].video_id,)):
        model.toggle(model.index(2))
    model.narrow("CITY")
    assert 0 < model.rowCount() < len(videos)
    assert all("city" in model.data(model.index(row)) for row in range(model.rowCount()))
    assert model.chosen == (videos[2].video_id,)  # narrowing the list is no filter of the search
    model.show_videos(videos[:1])
    assert model.chosen == ()
    assert "was not there" in VideosModelWith(videos[4])


def VideosModelWith(video) -> str:
    model = VideosModel()
    model.show_videos((video,))
    return model.data(model.index(0), Qt.ItemDataRole.ToolTipRole)


def test_thumbnails_come_newest_first_and_once(qtbot, engine, client):
    store = Thumbnails(client)
    engine.hold(GetThumbnail)
    for clip in range(1, 21):
        assert store.strip(clip) is None
        assert store.strip(clip) is None
    qtbot.waitUntil(lambda: len(engine.asked(GetThumbnail)) == thumbnails_module.IN_FLIGHT)
    with qtbot.waitSignal(store.settled):
        engine.release(GetThumbnail)
    asked = [request.clip_id for request in engine.asked(GetThumbnail)]
    assert sorted(asked) == list(range(1, 21))
    assert asked[thumbnails_module.IN_FLIGHT] == 20  # the newest of those that waited
    assert store.strip(3).width() == 12 * tile_rect(store.strip(3), 0).width()
    store.close()


def test_decoded_strips_are_bounded_and_decoded_again_from_memory(qtbot, engine, client, monkeypatch):
    monkeypatch.setattr(thumbnails_module, "DECODED_BYTES", 5_000_000)  # two strips
    store = Thumbnails(client)
    for clip in range(1, 6):
        store.strip(clip)
    qtbot.waitUntil(lambda: not store.busy)
    assert sum(image.sizeInBytes() for image in store._strips.values()) <= 5_000_000
    gone = next(clip for clip in range(1, 6) if clip not in store._strips)
    asked = len(engine.asked(GetThumbnail))
    assert store.strip(gone) is None
    qtbot.waitUntil(lambda: not store.busy)
    assert store.strip(gone) is not None
    assert len(engine.asked(GetThumbnail)) == asked
    store.close()


def test_a_clip_without_or_with_a_broken_thumbnail_is_asked_once(qtbot, engine, client, monkeypatch):
    pictures = {1: b"", 2: b"not a jpeg"}
    monkeypatch.setattr("tests.explorer.fake_engine.strip_jpeg", lambda clip: pictures[clip])
    store = Thumbnails(client)
    for clip in (1, 2):
        store.strip(clip)
    qtbot.waitUntil(lambda: store.is_empty(1) and store.is_empty(2))
    assert store.strip(1) is None
    assert not store.busy
    store.close()


def test_another_library_forgets_what_is_on_its_way(qtbot, engine, client):
    store = Thumbnails(client)
    engine.hold(GetThumbnail)
    store.strip(1)
    qtbot.waitUntil(lambda: engine.asked(GetThumbnail) != [])
    store.clear()
    engine.release(GetThumbnail)
    engine.world.name = "other"
    store.strip(2)
    qtbot.waitUntil(lambda: store.strip(2) is not None)
    assert 1 not in store._strips
    store.close()


def test_frames_arrive_in_order_and_decode_ahead(qtbot, engine, client):
    frames = Frames(client)
    with qtbot.waitSignal(frames.picture_ready):
        frames.arrived.connect(lambda: frames.picture(0))
        frames.open(7, 480)
    qtbot.waitUntil(lambda: frames.complete)
    assert frames.count == frames.expected == 24
    assert [frames.number(place) for place in range(24)] == list(range(24))
    qtbot.waitUntil(lambda: isinstance(frames.picture(0), QImage))
    times = [frames.time_s(place) for place in range(24)]
    assert [frames.place_at(time_s) for time_s in times] == list(range(24))
    assert frames.place_at(times[3] + 0.01) == 3
    assert frames.place_at(-5) == 0
    frames.close()


def test_late_frames_of_another_clip_are_dropped(qtbot, engine, client):
    frames = Frames(client)
    engine.hold(GetFrames)
    frames.open(1, 480)
    qtbot.waitUntil(lambda: len(engine.asked(GetFrames)) == 1)
    frames.open(2, 480)
    qtbot.waitUntil(lambda: len(engine.asked(GetFrames)) == 2)
    assert engine.asked(GetFrames)[0].id in engine.cancelled
    engine.release(GetFrames)
    qtbot.waitUntil(lambda: frames.complete)
    assert frames.clip_id == 2
    assert frames.count == 24
    assert frames.time_s(0) == engine.world.clip(2)[1]
    frames.close()


def opened(qtbot, engine, client) -> Playback:
    playback = Playback(Frames(client))
    playback.open(hit(1, clip_id=2, start_s=8.0, end_s=16.0), 480, play=False)
    qtbot.waitUntil(lambda: playback.frames.complete)
    return playback


def test_playback_loops_over_the_exact_span(qtbot, engine, client):
    playback = opened(qtbot, engine, client)
    assert (playback.place, playback.position_s) == (0, 8.0)
    playback.advance(7.99)
    assert playback.place == 23
    playback.advance(0.26)
    assert playback.position_s == pytest.approx(8.25)
    playback.set_speed(2.0)
    playback.advance(1.0)
    assert playback.position_s == pytest.approx(10.25)
    playback.frames.close()


def test_steps_marks_seek_and_speed(qtbot, engine, client):
    playback = opened(qtbot, engine, client)
    playback.step(-1)
    assert playback.place == 23
    playback.step(2)
    assert playback.place == 1
    playback.seek(99)
    assert playback.position_s == 16.0
    playback.seek(10)
    playback.mark_in()
    playback.seek(12)
    playback.mark_out()
    assert playback.marked
    playback.advance(0.5)
    assert playback.position_s == pytest.approx(10.5)
    playback.clear_marks()
    assert not playback.marked
    for _ in range(30):
        playback.change_speed(1)
    assert playback.speed == SPEEDS[-1]
    for _ in range(30):
        playback.change_speed(-1)
    assert playback.speed == SPEEDS[0]
    playback.frames.close()
