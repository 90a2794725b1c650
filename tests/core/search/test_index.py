import numpy as np
import pytest

from core.search.index import FlatIndex


def plain_top(vectors, query, k, allowed=None):
    """The slow reference: every product in float64, sorted by score, then by row."""
    rows = range(len(vectors)) if allowed is None else allowed
    scored = [(-float(np.dot(vectors[r].astype(np.float64), query.astype(np.float64))), int(r)) for r in rows]
    return [(r, -s) for s, r in sorted(scored)[:k]]


@pytest.fixture
def vectors():
    rng = np.random.default_rng(0)
    v = rng.normal(size=(300, 24))
    return (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float16)


def test_equals_the_plain_product(vectors):
    index = FlatIndex(24)
    index.add(vectors[:100])
    index.add(vectors[100:])
    query = vectors[17].astype(np.float32)
    rows, scores = index.top(query, 20, None)
    expected = plain_top(vectors, query, 20)
    assert rows[0] == 17
    assert [r for r, _ in expected] == rows.tolist()
    np.testing.assert_allclose(scores, [s for _, s in expected], atol=1e-5)


def test_a_filter_limits_the_rows(vectors):
    index = FlatIndex(24)
    index.add(vectors)
    query = vectors[17].astype(np.float32)
    allowed = np.arange(0, 300, 7, dtype=np.int64)
    rows, _ = index.top(query, 1000, allowed)
    assert rows.tolist() == [r for r, _ in plain_top(vectors, query, 1000, allowed)]


def test_ties_go_to_the_smaller_row():
    index = FlatIndex(4)
    index.add(np.tile(np.float16([1, 0, 0, 0]), (5, 1)))
    rows, _ = index.top(np.float32([1, 0, 0, 0]), 5, None)
    assert rows.tolist() == [0, 1, 2, 3, 4]


def test_empty_index_and_empty_filter(vectors):
    index = FlatIndex(24)
    assert index.top(np.zeros(24, np.float32), 5, None)[0].size == 0
    index.add(vectors)
    assert index.top(np.zeros(24, np.float32), 5, np.empty(0, np.int64))[0].size == 0
