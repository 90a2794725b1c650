"""Explanations in words over a real socket, with the shipped models and some of the shipped clips."""

import itertools
import shutil

import pytest

from core import paths, protocol
from core.engine.host import Host
from tests.core.engine.conftest import PATIENCE_S, TOKEN, ServerThread, dial

CLIPS = 16
QUERY = "a pedestrian crosses the road at night"


class Window:
    """Asks one thing at a time; keeps every reply of it up to the last."""

    def __init__(self, connection) -> None:
        self.connection = connection
        self._kept = []
        self._ids = itertools.count(1)

    def send(self, make, **fields):
        number = next(self._ids)
        self.connection.send(protocol.encode(make(id=number, **fields)))
        return number

    def ask(self, make, **fields):
        return self.replies(self.send(make, **fields))

    def replies(self, number):
        answers = []
        earlier = [message for message in self._kept if message.id == number]
        while True:
            message = earlier.pop(0) if earlier else protocol.decode_reply(self.connection.recv(PATIENCE_S))
            if getattr(message, "id", number) != number:
                self._kept.append(message)
            if getattr(message, "id", None) != number:
                continue
            answers.append(message)
            ended = getattr(message, "last", True) and getattr(message, "final", True)
            if ended and not isinstance(message, protocol.Progress):
                return answers


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    footage = tmp_path_factory.mktemp("footage")
    for file in sorted((paths.resources() / "demo").glob("*.mp4"))[:CLIPS]:
        shutil.copy(file, footage)
    running = ServerThread(Host("cpu"))
    with dial(running) as connection:
        connection.send(protocol.encode(protocol.Hello(token=TOKEN, protocol=protocol.PROTOCOL_VERSION)))
        asking = Window(connection)
        asking.ask(protocol.OpenLibrary, path=str(tmp_path_factory.mktemp("new") / "library"), create=True)
        *_, added = asking.ask(protocol.AddFootage, paths=(str(footage),))
        assert added.clips == CLIPS
        yield asking
    running.stop()


@pytest.fixture(scope="module")
def ranked(window):
    *_, final = window.ask(protocol.Search, text=QUERY)
    return final


def place(ranked, rank):
    return ranked.hits[rank - 1]


@pytest.mark.parametrize("rank", [1, 7, CLIPS])
def test_everything_shown_adds_up_to_the_shown_score(window, ranked, rank):
    hit = place(ranked, rank)
    (found,) = window.ask(protocol.ExplainScore, text=QUERY, clip_id=hit.clip_id)
    assert (found.stage, found.compared) == ("reranked", CLIPS)
    score = pytest.approx(hit.rerank_score, abs=1e-4)
    assert found.score == score
    assert sum(part.share for part in found.parts) == score
    assert sum(word.booked for word in found.words) + found.marks + found.sentence == score
    assert sum(frame.booked for frame in found.frames) + found.video == score
    assert found.first_score == pytest.approx(hit.score, abs=1e-3)
    assert [word.text for word in found.words] == QUERY.split()
    assert all(len(word.similarity) == len(word.brought) == 12 for word in found.words)
    assert [QUERY[word.start : word.end] for word in found.words] == QUERY.split()
    best = max(range(12), key=lambda number: found.frames[number].answer)
    assert best == hit.keyframe
    assert sum(frame.student_weight for frame in found.frames) == pytest.approx(1, abs=1e-2)
    times = [frame.time_s for frame in found.frames]
    assert times == sorted(times)
    assert hit.start_s < times[0] < times[-1] < hit.end_s


def test_the_best_clip_of_each_part_has_no_clip_above_it(window, ranked):
    found = [window.ask(protocol.ExplainScore, text=QUERY, clip_id=hit.clip_id)[0] for hit in ranked.hits]
    for place_ in range(4):
        values = [one.parts[place_].value for one in found]
        for one in found:
            part = one.parts[place_]
            no_higher = sum(value <= part.value + 1e-5 for value in values)
            assert part.percentile == pytest.approx(100 * no_higher / CLIPS, abs=1e-3)


def test_without_the_rerank_only_the_student_speaks(window, ranked):
    hit = place(ranked, 3)
    (found,) = window.ask(protocol.ExplainScore, text=QUERY, clip_id=hit.clip_id, rerank=False)
    assert found.stage == "first"
    assert found.score == found.first_score == pytest.approx(hit.score, abs=1e-3)
    assert found.parts == ()
    assert all(frame.weight is None and frame.answer is None for frame in found.frames)
    assert [word.text for word in found.words] == QUERY.split()


def test_words_beyond_the_limit_are_told_as_cut(window, ranked):
    text = " ".join(["car"] * 40 + ["night"])
    (found,) = window.ask(protocol.ExplainScore, text=text, clip_id=place(ranked, 1).clip_id)
    assert [word.text for word in found.words] == text.split()
    read = [word for word in found.words if not word.cut]
    assert 0 < len(read) < 41
    assert all(word.similarity for word in read)
    assert all(word.booked == 0 for word in found.words if word.cut and not word.similarity)


def test_an_effect_is_what_the_score_loses_without_the_word(window, ranked):
    hit = place(ranked, 1)
    replies = window.ask(protocol.GetWordEffects, text=QUERY, clip_id=hit.clip_id)
    effects = [effect for reply in replies for effect in reply.effects]
    assert [effect.number for effect in effects] == list(range(len(QUERY.split())))
    (without,) = window.ask(protocol.ExplainScore, text="a crosses the road at night", clip_id=hit.clip_id)
    assert effects[1].rerank == pytest.approx(hit.rerank_score - without.score, abs=1e-4)
    assert effects[1].first == pytest.approx(hit.score - without.first_score, abs=1e-3)


@pytest.mark.parametrize("rerank", [True, False])
def test_a_previewed_change_is_what_applying_it_gives(window, rerank):
    changed = "a pedestrian crosses the road"
    *_, before = window.ask(protocol.Search, text=QUERY, rerank=rerank)
    *_, after = window.ask(protocol.Search, text=changed, rerank=rerank)
    own = before.hits[12].clip_id
    (seen,) = window.ask(protocol.PreviewChange, text=QUERY, changed=changed, clip_id=own, rerank=rerank)
    ranks = {hit.clip_id: hit.rank for hit in after.hits}
    assert [move.clip_id for move in seen.moves] == [hit.clip_id for hit in before.hits[:10]]
    assert [(move.rank, move.new_rank) for move in seen.moves] == [
        (hit.rank, ranks[hit.clip_id]) for hit in before.hits[:10]
    ]
    assert (seen.own.rank, seen.own.new_rank) == (13, ranks[own])


@pytest.mark.parametrize("rerank", [True, False])
def test_why_not_names_ranks_what_stands_above_and_a_change_that_works(window, rerank):
    *_, before = window.ask(protocol.Search, text=QUERY, rerank=rerank)
    hit = before.hits[-1]
    answers = window.ask(protocol.GetRank, text=QUERY, clip_id=hit.clip_id, rerank=rerank)
    told = [answer for answer in answers if isinstance(answer, protocol.RankExplained)]
    assert any(isinstance(answer, protocol.Progress) for answer in answers)
    final = told[-1]
    assert final.hit == hit
    assert (final.hit.rank, final.searched_clips, final.left_out) == (CLIPS, CLIPS, False)
    assert [above.clip_id for above in final.above] == [h.clip_id for h in before.hits[:10]]
    assert "night" in [missing.text for missing in final.missing]
    assert final.changes
    for change in final.changes:
        *_, after = window.ask(protocol.Search, text=change.text, rerank=rerank)
        ranks = {h.clip_id: h.rank for h in after.hits}
        assert ranks[hit.clip_id] == change.rank
        assert (change.rank <= 10) == final.enough
        assert change.edits


def test_a_clip_among_the_first_needs_no_change(window, ranked):
    *_, final = window.ask(protocol.GetRank, text=QUERY, clip_id=place(ranked, 2).clip_id)
    assert final.last
    assert final.changes == ()
    assert [above.rank for above in final.above] == [1]


def test_a_clip_that_the_filter_leaves_out_is_ranked_without_it(window, ranked):
    hit, other = place(ranked, 12), place(ranked, 1)
    filters = protocol.Filters(video_ids=(other.video_id,))
    *_, final = window.ask(protocol.GetRank, text=QUERY, clip_id=hit.clip_id, filters=filters)
    assert final.left_out
    assert final.hit.rank == 12
    (taken,) = window.ask(protocol.ExplainScore, text=QUERY, clip_id=hit.clip_id, filters=filters)
    assert (taken.stage, taken.compared) == ("reranked", CLIPS)


def test_a_stopped_search_for_a_change_ends_and_queries_come_between_its_steps(window, ranked):
    number = window.send(protocol.GetRank, text=QUERY, clip_id=place(ranked, CLIPS).clip_id)
    *_, found = window.ask(protocol.Search, text="rain")  # answered before the changes are through
    assert found.query == "rain"
    window.connection.send(protocol.encode(protocol.Cancel(id=9999, target=number)))
    *_, last = window.replies(number)
    assert isinstance(last, protocol.Cancelled | protocol.RankExplained)


def test_clips_are_found_by_their_files_name(window):
    (found,) = window.ask(protocol.FindClips, name_contains="DEMO_00")
    assert found.total == len(found.clips) == 10
    assert [clip.video[-12:] for clip in found.clips] == [f"demo_{n:03}.mp4" for n in range(10)]
    (some,) = window.ask(protocol.FindClips, limit=3)
    assert (len(some.clips), some.total) == (3, CLIPS)
    (none,) = window.ask(protocol.FindClips, name_contains="no such file")
    assert (none.clips, none.total) == ((), 0)


def test_bad_requests_end_in_one_sentence(window, ranked):
    clip = place(ranked, 1).clip_id
    (empty,) = window.ask(protocol.ExplainScore, text=" ", clip_id=clip)
    assert "query is empty" in empty.sentence
    (muted,) = window.ask(protocol.PreviewChange, text=QUERY, changed="")
    assert muted.kind == "bad_input"
    for make in (protocol.ExplainScore, protocol.GetWordEffects, protocol.GetRank):
        (gone,) = window.ask(make, text=QUERY, clip_id=99999)
        assert "no longer in the library" in gone.sentence
