import numpy as np
import pytest

from core.explain.moments import (
    LEVELS,
    MOST_EVENTS,
    MOST_MOMENTS,
    SHORTEST_FRAMES,
    Footage,
    candidates,
    find,
    highest_inside,
    proposals,
    salience,
    score,
    score_span,
    suppress,
)
from core.explain.moments_events import LEAST_GAP, REACH, boundaries, novelty
from core.explain.moments_footage import in_order
from core.explain.moments_scope import HAPPENING, STATE, STORY, scope_of
from core.library.clips import Span


def scenes(*lengths: int, noise: float = 0.05, seed: int = 0, dim: int = 24) -> np.ndarray:
    rng = np.random.default_rng(seed)
    made = np.concatenate([np.tile(rng.normal(size=dim), (n, 1)) for n in lengths])
    made = made + noise * rng.normal(size=made.shape)
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def footage(frames: np.ndarray, step_s: float = 0.5) -> Footage:
    edges = np.arange(len(frames) + 1) * step_s
    return Footage.of(edges[:-1], edges[1:], frames, frames)


def slow_novelty(frames: np.ndarray) -> np.ndarray:
    """The whole similarity matrix, its four quadrants around every frame."""
    S = frames.astype(float) @ frames.T.astype(float)
    found = [0.0]
    for t in range(1, len(frames)):
        a, b = max(0, t - REACH), min(len(frames), t + REACH)
        same = np.concatenate([S[a:t, a:t].ravel(), S[t:b, t:b].ravel()])
        found.append(same.mean() - S[a:t, t:b].mean())
    return np.array(found)


def slow_suppress(spans: np.ndarray, scores: np.ndarray, most: int) -> list[int]:
    kept: list[int] = []
    for place in sorted(range(len(spans)), key=lambda n: (-scores[n], n)):
        clear = True
        for other in kept:
            shared = min(spans[place][1], spans[other][1]) - max(spans[place][0], spans[other][0])
            union = max(spans[place][1], spans[other][1]) - min(spans[place][0], spans[other][0])
            clear = clear and not (shared > 0 and shared / union > 0.5)
        if clear and len(kept) < most:
            kept.append(place)
    return kept


@pytest.mark.parametrize("seed", range(8))
def test_novelty_and_suppression_are_the_plain_ones(seed):
    rng = np.random.default_rng(seed)
    frames = scenes(*rng.integers(1, 9, 6), noise=0.5, seed=seed)
    np.testing.assert_allclose(novelty(frames), slow_novelty(frames), atol=1e-6)
    starts = rng.uniform(0, 50, 60)
    spans = np.stack([starts, starts + rng.uniform(1, 20, 60)], axis=1)
    scores = rng.integers(0, 20, 60).astype(float)  # with ties
    assert suppress(spans, scores, 10) == slow_suppress(spans, scores, 10)


@pytest.mark.parametrize("lengths", [(7, 9, 8), (4, 4), (12, 3, 5, 20)])
def test_boundaries_stand_where_scenes_change(lengths):
    frames = scenes(*lengths)
    assert boundaries(novelty(frames), 0.5).tolist() == [0, *np.cumsum(lengths).tolist()]


def test_boundaries_keep_their_distance_and_both_ends():
    for seed in range(20):
        found = boundaries(novelty(scenes(40, noise=1.0, seed=seed)), -9.0)
        assert (found[0], found[-1]) == (0, 40)
        assert (np.diff(found) >= LEAST_GAP).all()
    assert boundaries(np.zeros(1), 0.5).tolist() == [0, 1]
    assert boundaries(novelty(scenes(30, noise=0.0)), 0.5).tolist() == [0, 30]


def test_proposals_are_runs_of_up_to_four_events():
    edges = np.array([0, 3, 7, 12, 20, 21])
    expected = {
        (int(edges[i]), int(edges[j])) for i in range(6) for j in range(i + 1, min(i + MOST_EVENTS, 5) + 1)
    }
    expected.discard((20, 21))  # a single frame is no moment
    assert {tuple(span) for span in proposals([edges]).tolist()} == expected
    assert proposals([np.array([0, 1])]).tolist() == [[0, 1]], "a video of one frame has one moment"


def test_a_happening_may_begin_at_any_frame_but_a_state_only_at_a_boundary():
    seen = footage(scenes(10, 6, 14, noise=0.01))
    assert {tuple(span) for span in candidates(seen, STATE).tolist()} == {
        tuple(span) for span in proposals(seen.events).tolist()
    }
    longest = round(2 * HAPPENING.likely_s / 0.5)
    free = {(first, first + n) for n in range(SHORTEST_FRAMES, longest + 1) for first in range(30 - n + 1)}
    found = candidates(seen, HAPPENING)
    assert {tuple(span) for span in found.tolist()} == free | {
        tuple(span) for span in proposals(seen.events).tolist()
    }
    assert len(found) == len(np.unique(found, axis=0))
    two = footage(scenes(2))
    assert candidates(two, HAPPENING).tolist() == [[0, 2]]


@pytest.mark.parametrize("T", [1, 2, 7, 40])
def test_the_highest_value_inside_a_span_is_the_plain_one(T):
    values = np.random.default_rng(T).normal(size=T)
    spans = np.array([(a, b) for a in range(T) for b in range(a + 1, T + 1)])
    plain = [max(values[a + 1 : b], default=-np.inf) for a, b in spans.tolist()]
    assert highest_inside(values, spans).tolist() == plain


def test_noise_free_moments_are_found_exactly():
    frames = scenes(10, 6, 14, 8, 12, noise=0.01)
    seen = footage(frames)
    for first, end in ((0, 10), (10, 16), (16, 30), (30, 38), (38, 50)):
        found = salience(seen, frames[first])
        best = find(seen, found, STATE)[0]
        assert (best.start_s, best.end_s) == (first * 0.5, end * 0.5)
        assert first * 0.5 <= best.peak_s <= end * 0.5


def test_moments_are_ordered_bounded_and_do_not_repeat_each_other():
    frames = scenes(*[5] * 30, noise=0.6)
    seen = footage(frames)
    found = salience(seen, frames[77])
    best = find(seen, found, STORY)
    assert 1 < len(best) <= MOST_MOMENTS
    assert [m.score for m in best] == sorted((m.score for m in best), reverse=True)
    spans = np.array([(m.start_s, m.end_s) for m in best])
    assert slow_suppress(spans, np.array([m.score for m in best]), 99) == list(range(len(best)))


def test_a_query_gives_the_same_curve_alone_and_in_a_batch():
    """LLMEPET's released encoder attends across the batch; here nothing else that is asked can change an answer."""
    frames = scenes(*[6] * 12, noise=0.4)
    seen = footage(frames)
    queries = scenes(1, 1, 1, 1, 1, noise=0.0, seed=3)
    alone = salience(footage(frames), queries[2]).curve
    batch = [salience(seen, query).curve for query in queries]
    assert np.array_equal(batch[2], alone)
    assert not np.array_equal(batch[1], alone)
    assert find(seen, salience(seen, queries[2]), STATE) == find(
        footage(frames), salience(footage(frames), queries[2]), STATE
    )


def test_the_score_is_the_plain_formula():
    frames = scenes(8, 8, 8, noise=0.3)
    seen = footage(frames)
    curve = salience(seen, frames[9]).curve
    spans = np.array([[8, 16], [0, 24], [22, 24]])
    for (first, end), value in zip(spans.tolist(), score(seen, curve, spans, STORY), strict=True):
        reach = max(2, (end - first) // 2)
        around = [*range(max(0, first - reach), first), *range(end, min(24, end + reach))]
        inside = curve[first:end].mean()
        outside = curve[around].mean() if around else 0.0
        ends = seen.novelty[first] + seen.novelty[min(end, 23)]
        parted = max(0.0, *seen.novelty[first + 1 : end])
        unlikely = STORY.weight * np.log((end - first) * 0.5 / STORY.likely_s) ** 2
        plain = inside + 0.5 * (inside - outside) + STORY.ends * ends - 0.1 * parted - unlikely
        assert value == pytest.approx(plain)


def test_a_chosen_span_is_scored_like_a_proposal():
    frames = scenes(10, 6, 14, noise=0.1)
    seen = footage(frames)
    found = salience(seen, frames[12])
    best = find(seen, found, HAPPENING)[0]
    same, share = score_span(seen, found, HAPPENING, best.start_s + 0.01, best.end_s - 0.01)
    assert same == best
    assert share == 1.0
    worse, lower = score_span(seen, found, HAPPENING, 10.0, 14.0)
    assert worse.score < best.score
    assert 0.0 <= lower < 1.0
    tiny, _ = score_span(seen, found, HAPPENING, 6.1, 6.11)
    assert (tiny.start_s, tiny.end_s) == (6.0, 6.5), "at least one frame, the nearest"


def test_a_video_where_nothing_varies_still_answers():
    frames = np.tile(scenes(1), (12, 1))
    seen = footage(frames)
    best = find(seen, salience(seen, frames[0]), STATE)
    assert [(m.start_s, m.end_s) for m in best] == [(0.0, 6.0)]
    assert len(seen.events) == len(LEVELS)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("driving on a highway in the fog", "state"),
        ("a rainy night in the city", "state"),
        ("driving between tall buildings in the evening", "state"),
        ("the car goes straight ahead on a country road", "state"),
        ("a pedestrian crosses the road", "happening"),
        ("the car turns left at an intersection", "happening"),
        ("a cyclist", "happening"),
        ("waiting at a red light", "happening"),
        ("the car slows down and stops in the rain", "happening"),
        ("a motorcycle comes from behind and passes us", "happening"),
        ("the car goes straight ahead while a pedestrian crosses", "story"),
        ("we stop at a red light, then a pedestrian crosses from the left", "story"),
        ("zxqv", "happening"),
    ],
)
def test_what_kind_of_answer_is_asked_for_comes_from_the_query(text, name):
    assert scope_of(text).name == name


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("zxqv", 5.0),
        ("the car turns left", 2.6),
        ("a child crosses from the left", 5.0),
        ("a truck crosses the road", 2.8),
        ("we take the roundabout", 5.3),
        ("we follow a cyclist", 5.5),
        ("a cyclist", 5.0),
        ("waiting at a red light", (4.5 * 3.4) ** 0.5),
    ],
)
def test_how_long_a_happening_takes_comes_from_what_happens(text, seconds):
    assert scope_of(text).likely_s == pytest.approx(seconds)


def test_overlapping_clips_and_gaps_make_one_sequence():
    vectors = np.arange(3 * 4, dtype=np.float32).reshape(3, 4, 1)
    video = in_order([Span(0.0, 4.0), Span(2.0, 6.0), Span(10.0, 14.0)], vectors)
    middles = [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 10.5, 11.5, 12.5, 13.5]  # what both clips saw counts once
    np.testing.assert_allclose((video.starts_s + video.ends_s) / 2, middles)
    assert video.ends_s[5] == 6.0, "nothing stands for the gap"
    assert video.starts_s[6] == 10.0
    assert video.frames[:, 0].tolist() == [0, 1, 2, 3, 6, 7, 8, 9, 10, 11]
