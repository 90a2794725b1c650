"""Curves and areas with numbers worked out by hand, on a tower whose score is a known sum."""

import numpy as np
import pytest
import torch

from core.explain.faithfulness import LEAST, counts, judge, random_orders, vectors_along
from core.explain.vision import Vision


class Sum(Vision):
    """A 'tower' whose frame vector is (what is there, the rest): its cosine grows with the weight that is there."""

    def __init__(self, weights):
        self.grid = (2, len(weights) // 2)
        self.weights = torch.tensor(weights)

    def encode_kept(self, pixels, kept):
        there = self.weights[kept].sum(-1)  # (N, R)
        return torch.stack([there, (1 - there.square()).clamp(min=0).sqrt()], -1)


WEIGHTS = [0.0, 0.4, 0.0, 0.0, 0.3, 0.0, 0.2, 0.1]
DIRECTION = torch.tensor([1.0, 0.0])


def curves(order, controls=None):
    tower, pixels = Sum(WEIGHTS), torch.zeros(1, 3, 2, 2)
    random = random_orders(torch.arange(8), seed=1) if controls is None else controls
    own = vectors_along(tower, pixels, torch.tensor([[order]]))
    control = vectors_along(tower, pixels, random[None])
    return judge(own[:, :, 0, 0], control[:, :, 0], lambda vectors: vectors @ DIRECTION, 8)


def test_the_right_order_has_the_curves_that_arithmetic_gives():
    found = curves([1, 4, 6, 7, 0, 2, 3, 5])
    assert found.shares.tolist() == [0, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 7 / 8, 1]
    assert np.allclose(found.insertion, [0, 0.4, 0.7, 1, 1, 1, 1], atol=1e-6)
    assert np.allclose(found.deletion, [1, 0.6, 0.3, 0, 0, 0, 0], atol=1e-6)
    insertion = (0.2 + 0.55 + 2 * 0.85 + 4 * 1) / 8
    deletion = (0.8 + 0.45 + 2 * 0.15) / 8
    assert found.insertion_area == pytest.approx(insertion)
    assert found.deletion_area == pytest.approx(deletion)
    assert found.value == pytest.approx(insertion - deletion)
    assert found.reliable


def test_the_wrong_order_is_as_bad_as_the_right_one_is_good():
    found = curves([5, 3, 2, 0, 7, 6, 4, 1])
    assert found.value == pytest.approx(-curves([1, 4, 6, 7, 0, 2, 3, 5]).value, abs=1e-6)
    assert not found.reliable


def test_a_random_order_is_never_reliable_against_itself_and_the_control_is_its_best():
    random = random_orders(torch.arange(8), seed=1)
    values = [curves(order.tolist()).value for order in random]
    for order, value in zip(random, values, strict=True):
        found = curves(order.tolist())
        assert found.control == pytest.approx(max(map(abs, values)))
        assert found.value <= found.control + 1e-6
        assert curves(order.flip(0).tolist()).value == pytest.approx(-value, abs=1e-6)


def test_a_map_of_what_the_tower_does_not_see_is_not_reliable():
    right = [1, 4, 6, 7, 0, 2, 3, 5]
    tower, pixels, faint = Sum(WEIGHTS), torch.zeros(1, 3, 2, 2), LEAST / 4
    own = vectors_along(tower, pixels, torch.tensor([[right]]))[:, :, 0, 0]
    control = vectors_along(tower, pixels, random_orders(torch.arange(8), seed=1)[None])[:, :, 0]
    found = judge(own, control, lambda vectors: faint * (vectors @ DIRECTION), 8)
    assert found.value > found.control
    assert not found.reliable


def test_orders_are_seeded_permutations_of_the_given_cells():
    cells = torch.tensor([2, 3, 5, 7, 11])
    orders = random_orders(cells, seed=4)
    assert torch.equal(orders, random_orders(cells, seed=4))
    assert not torch.equal(orders, random_orders(cells, seed=5))
    assert torch.equal(orders.sort(dim=1).values, cells.expand(4, 5))


@pytest.mark.parametrize("cells", [1, 2, 7, 8, 49, 143, 144])
def test_counts_run_from_none_to_all_and_mirror(cells):
    found = counts(cells)
    assert found[0] == 0
    assert found[-1] == cells
    assert [cells - c for c in reversed(found)] == found
    assert len(found) <= 14


def test_json_has_the_numbers():
    found = curves([1, 4, 6, 7, 0, 2, 3, 5]).as_dict()
    assert found["faithfulness"] == pytest.approx(found["insertion_area"] - found["deletion_area"])
    assert found["reliable"] is True
    assert len(found["shares"]) == len(found["deletion"]) == len(found["insertion"]) == 7
