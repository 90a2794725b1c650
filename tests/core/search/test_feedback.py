"""Learning from judged clips in both stages, against a slow reference that asks every clip by itself."""

import statistics

import msgspec
import pytest
import torch

from core.engine.words_replies import explain_score
from core.errors import DrivescopeError, ErrorKind
from core.library.library import Library
from core.protocol import ExplainScore, Feedback, Filters
from core.search.pipeline import Searcher
from tests.core.search.test_minus import one_by_one
from tests.core.search.test_pipeline import add_clips

NIGHT, DAY = 18, 12
CLIPS = NIGHT + DAY
TEXT = "a red car brakes"


@pytest.fixture(scope="module")
def library(tmp_path_factory, bundle):
    library = Library.create(tmp_path_factory.mktemp("feedback") / "library", bundle.spec)
    add_clips(library, bundle, "/drive/night.mp4", NIGHT, seed=1)
    add_clips(library, bundle, "/drive/day.mp4", DAY, seed=2)
    yield library
    library.close()


@pytest.fixture(scope="module")
def ids(library, bundle):
    return library.features(bundle.spec).clip_ids.tolist()


def likeness(library, bundle, rows):
    """Of every clip to the mean of some, in deviations from the mean of all; zeros if there are none."""
    student = [[float(x) for x in vector] for vector in library.features(bundle.spec).student]
    if not rows:
        return [0.0] * len(student)
    mean = [statistics.fmean(column) for column in zip(*(student[row] for row in rows), strict=True)]
    products = [sum(a * b for a, b in zip(vector, mean, strict=True)) for vector in student]
    centre, spread = statistics.fmean(products), statistics.pstdev(products)
    return [(product - centre) / spread for product in products]


def reference(library, bundle, good, bad):
    """By stage, every clip's score and what was added to it, straight from the definition."""
    share = (len(bad) + 1) / (len(good) + len(bad) + 2)
    to, away = likeness(library, bundle, good), likeness(library, bundle, bad)
    lift = [share * (0.4 * a - 0.3 * b) for a, b in zip(to, away, strict=True)]
    told = []
    for scores in one_by_one(library, bundle, TEXT):
        added = [statistics.pstdev(scores) * each for each in lift]
        told.append(([score + more for score, more in zip(scores, added, strict=True)], added))
    return told


def ordered(rows, scores, good, bad):
    return sorted(rows, key=lambda row: (row in bad, row not in good, -scores[row]))


@pytest.mark.parametrize("rerank_clips", [7, 1000])
@pytest.mark.parametrize(("good", "bad"), [((3, 11, 20), (5, 8)), ((2, 19), ()), ((), (4, 9, 25))])
def test_both_stages_equal_the_reference(library, bundle, ids, good, bad, rerank_clips):
    feedback = Feedback(tuple(ids[row] for row in good), tuple(ids[row] for row in bad))
    (first_scores, first_added), (scores, added) = reference(library, bundle, good, bad)
    first, final = Searcher(library, bundle).search(TEXT, rerank_clips=rerank_clips, feedback=feedback)
    order = ordered(range(CLIPS), first_scores, good, bad)
    assert [ids.index(hit.clip_id) for hit in first.hits] == order
    head = ordered(order[:rerank_clips], scores, good, bad)
    assert [ids.index(hit.clip_id) for hit in final.hits] == head + order[rerank_clips:]
    for hit in final.hits:
        row, reranked = ids.index(hit.clip_id), hit.rank <= rerank_clips
        assert hit.score == pytest.approx(first_scores[row], abs=1e-4)
        if reranked:
            assert hit.rerank_score == pytest.approx(scores[row], abs=1e-4)
        assert hit.learned == pytest.approx((added if reranked else first_added)[row], abs=1e-4)
    for ranked in (first, final):
        assert set(ranked.learned.relevant) == set(feedback.relevant)
        assert set(ranked.learned.not_relevant) == set(feedback.not_relevant)
        percentiles = [hit.percentile for hit in ranked.hits]
        assert percentiles == sorted(percentiles, reverse=True)
        assert percentiles[0] == 100.0
        assert ranked.likely is None  # the library's cut is one of scores that have learned nothing


@pytest.mark.parametrize("k", [1, 2, 5, 13, 26, 29])
def test_a_short_list_is_the_beginning_of_the_whole_one(library, bundle, ids, k):
    searcher = Searcher(library, bundle)
    feedback = Feedback((ids[3], ids[20]), (ids[5], ids[0]))
    for text in (TEXT, f"{TEXT} -rain"):
        (whole,) = searcher.search(text, k=CLIPS, rerank_clips=0, feedback=feedback)
        (short,) = searcher.search(text, k=k, rerank_clips=0, feedback=feedback)
        assert [hit.clip_id for hit in short.hits] == [hit.clip_id for hit in whole.hits[:k]]
        assert {hit.clip_id for hit in whole.hits[:2]} == set(feedback.relevant)
        assert {hit.clip_id for hit in whole.hits[-2:]} == set(feedback.not_relevant)


def test_minus_words_take_off_what_they_take_off_anyway(library, bundle, ids):
    searcher = Searcher(library, bundle)
    feedback = Feedback((ids[3],), (ids[5],))
    *_, alone = searcher.search(f"{TEXT} -rain")
    *_, both = searcher.search(f"{TEXT} -rain", feedback=feedback)
    *_, learned = searcher.search(TEXT, feedback=feedback)
    taken = {hit.clip_id: hit.taken for hit in alone.hits}
    added = {hit.clip_id: hit.learned for hit in learned.hits}
    before = {hit.clip_id: hit.rerank_score for hit in alone.hits}
    assert any(taken.values())
    for hit in both.hits:
        assert (hit.taken, hit.learned) == (
            pytest.approx(taken[hit.clip_id], abs=1e-5),
            pytest.approx(added[hit.clip_id], abs=1e-5),
        )
        assert hit.rerank_score == pytest.approx(before[hit.clip_id] + hit.learned, abs=1e-5)


def test_filters_hide_judged_clips_and_change_nothing_else(library, bundle, ids):
    searcher = Searcher(library, bundle)
    feedback = Feedback((ids[3], ids[20]), (ids[5], ids[25]))  # rows from 18 on are of the day
    *_, whole = searcher.search(TEXT, feedback=feedback)
    *_, some = searcher.search(TEXT, feedback=feedback, filters=Filters(name_contains="day"))
    scores = {hit.clip_id: hit.rerank_score for hit in whole.hits}
    assert some.searched_clips == len(some.hits) == DAY
    assert all(hit.rerank_score == pytest.approx(scores[hit.clip_id], abs=1e-6) for hit in some.hits)
    assert (some.hits[0].clip_id, some.hits[-1].clip_id) == (ids[20], ids[25])
    assert some.learned == whole.learned
    *_, nothing = searcher.search(TEXT, feedback=feedback, filters=Filters(name_contains="no such video"))
    assert nothing.hits == ()


def test_everything_may_be_judged(library, bundle, ids):
    feedback = Feedback(tuple(ids[:10]), tuple(ids[10:]))
    *_, final = Searcher(library, bundle).search(TEXT, feedback=feedback)
    assert {hit.clip_id for hit in final.hits[:10]} == set(feedback.relevant)
    assert len(final.hits) == CLIPS


def test_clips_that_are_alike_teach_nothing_but_their_places(tmp_path, bundle):
    library = Library.create(tmp_path / "alike", bundle.spec)
    for path in ("/a.mp4", "/b.mp4", "/c.mp4"):
        add_clips(library, bundle, path, 1, seed=7)
    *_, final = Searcher(library, bundle).search(TEXT, feedback=Feedback((3,), (1,)))
    assert [hit.clip_id for hit in final.hits] == [3, 2, 1]
    assert [hit.learned for hit in final.hits] == pytest.approx([0.0, 0.0, 0.0], abs=1e-6)
    assert [hit.percentile for hit in final.hits] == [100.0, 66.67, 33.33]
    library.close()


def test_a_clip_that_was_dropped_is_forgotten_and_without_any_there_is_nothing_to_learn(tmp_path, bundle):
    library = Library.create(tmp_path / "dropped", bundle.spec)
    add_clips(library, bundle, "/night.mp4", 6, seed=1)
    gone, (dropped, *_) = add_clips(library, bundle, "/day.mp4", 6, seed=2)
    library.catalog.drop_video(gone)
    searcher = Searcher(library, bundle)
    *_, final = searcher.search(TEXT, feedback=Feedback((2, dropped), (dropped + 1,)))
    assert final.learned == Feedback((2,), ())
    assert (final.hits[0].clip_id, len(final.hits)) == (2, 6)
    for nothing in (Feedback(), Feedback((dropped,), ())):
        with pytest.raises(DrivescopeError, match="There is nothing to learn from yet: judge some") as raised:
            next(searcher.search(TEXT, feedback=nothing))
        assert raised.value.kind is ErrorKind.NOT_FOUND
    library.close()


def test_without_judged_clips_nothing_is_learned(library, bundle):
    *_, final = Searcher(library, bundle).search(TEXT)
    assert final.learned is None
    assert all(hit.learned == 0.0 for hit in final.hits)


def test_the_explanation_says_what_judged_clips_add_and_where_the_clip_stands_without_them(
    library, bundle, ids
):
    searcher = Searcher(library, bundle)
    feedback = Feedback((ids[3],), (ids[5],))
    *_, own = searcher.search(TEXT)
    *_, final = searcher.search(TEXT, feedback=feedback)
    ranks = {hit.clip_id: hit.rank for hit in own.hits}
    scores = {hit.clip_id: hit.rerank_score for hit in own.hits}
    for hit in final.hits[:4] + final.hits[-1:]:
        told = explain_score(searcher, ExplainScore(1, TEXT, hit.clip_id, feedback=feedback), 1)
        assert told.learned.added == pytest.approx(hit.learned, abs=1e-6)
        assert told.learned.rank_without == ranks[hit.clip_id]
        assert told.score == pytest.approx(scores[hit.clip_id], abs=1e-5)  # the query's own
        judged = {ids[3]: "relevant", ids[5]: "not"}
        assert told.learned.judged == judged.get(hit.clip_id, "")
    plain = explain_score(searcher, ExplainScore(1, TEXT, ids[0]), 1)
    assert plain.learned is None
    first = explain_score(searcher, ExplainScore(1, TEXT, ids[0], rerank=False, feedback=feedback), 1)
    (only,) = searcher.search(TEXT, rerank_clips=0, feedback=feedback)
    hit = next(hit for hit in only.hits if hit.clip_id == ids[0])
    assert first.learned.added == pytest.approx(hit.learned, abs=1e-6)


def test_the_joint_score_has_what_was_learned(library, bundle, ids):
    seen = []

    def joint(query, scores, *vectors):
        seen.append(torch.from_numpy(scores.copy()))
        return -scores

    feedback = Feedback((ids[3],), (ids[5],))
    searcher = Searcher(library, bundle)
    *_, plain = searcher.search(TEXT, feedback=feedback)
    *_, turned = searcher.search(TEXT, feedback=feedback, joint=joint)
    between = [hit.clip_id for hit in plain.hits[1:-1]]
    assert [hit.clip_id for hit in turned.hits] == [ids[3], *reversed(between), ids[5]]
    assert len(seen[0]) == CLIPS
    assert msgspec.structs.asdict(turned)["learned"] == Feedback((ids[3],), (ids[5],))
