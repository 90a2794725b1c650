import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.library.clips import Span, cut, sample_times


def pairs(spans):
    return [(round(span.start_s, 6), round(span.end_s, 6)) for span in spans]


@pytest.mark.parametrize(
    ("duration", "clip", "stride", "expected"),
    [
        (24.0, 8, 0, [(0, 8), (8, 16), (16, 24)]),
        (20.0, 8, 0, [(0, 8), (8, 16), (16, 20)]),  # a rest of a second or more is a clip
        (17.0, 8, 0, [(0, 8), (8, 16), (16, 17)]),
        (16.9, 8, 0, [(0, 8), (8, 16.9)]),  # a shorter one joins its neighbour
        (8.2, 8, 0, [(0, 8.2)]),
        (0.4, 8, 0, [(0, 0.4)]),  # a whole video is never too short
        (0.0, 8, 0, []),
        (12.0, 8, 4, [(0, 8), (4, 12)]),
        (14.0, 8, 4, [(0, 8), (4, 12), (8, 14)]),
        (12.5, 8, 4, [(0, 8), (4, 12.5)]),
        (30.0, 4, 10, [(0, 4), (10, 14), (20, 24)]),  # gaps stay gaps
        (32.0, 4, 10, [(0, 4), (10, 14), (20, 24), (30, 32)]),
        (30.5, 4, 10, [(0, 4), (10, 14), (20, 24)]),
    ],
)
def test_cut(duration, clip, stride, expected):
    assert pairs(cut(duration, clip, stride)) == expected


@given(
    duration=st.floats(0.01, 5000), clip=st.floats(1, 60), stride=st.one_of(st.just(0.0), st.floats(0.5, 90))
)
def test_spans_lie_inside_the_video_and_leave_no_second_out(duration, clip, stride):
    spans = cut(duration, clip, stride)
    assert spans[0].start_s == 0
    assert all(0 <= span.start_s < span.end_s <= duration for span in spans)
    assert all(a.start_s < b.start_s and a.end_s <= b.end_s for a, b in itertools.pairwise(spans))
    if len(spans) > 1:
        assert all(span.seconds >= 1 - 1e-6 for span in spans)
        assert all(span.seconds < clip + 1 + 1e-6 for span in spans)
    if stride <= clip:  # no gaps
        assert spans[-1].end_s == duration
        assert all(b.start_s <= a.end_s + 1e-6 for a, b in itertools.pairwise(spans))


@pytest.mark.parametrize("clip", [0, -1, float("nan"), float("inf")])
def test_a_clip_must_have_a_length(clip):
    with pytest.raises(ValueError, match="longer than 0"):
        cut(10, clip)


def test_a_stride_is_not_negative():
    with pytest.raises(ValueError, match="stride"):
        cut(10, 8, -1)


def test_samples_lie_in_the_middles_of_equal_parts():
    assert sample_times(Span(8.0, 20.0), 12) == [8.5 + n for n in range(12)]
    assert sample_times(Span(0.0, 3.0), 1) == [1.5]
    with pytest.raises(ValueError, match="at least one"):
        sample_times(Span(0.0, 3.0), 0)
