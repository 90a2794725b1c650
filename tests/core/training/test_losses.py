"""Losses against plain loops, hand-worked numbers and the published code's golden values."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from core.training.losses import (
    Teaching,
    coarse_distillation,
    fine_distillation,
    frame_labels,
    info_nce,
    pearson_distance,
    teachclip_loss,
)

GOLDEN = Path(__file__).parents[2] / "data" / "golden"


def slow_softmax(row):
    top = max(row)
    powers = [math.exp(x - top) for x in row]
    return [p / sum(powers) for p in powers]


def slow_pearson(a, b):
    ma, mb = sum(a) / len(a), sum(b) / len(b)
    top = sum((x - ma) * (y - mb) for x, y in zip(a, b, strict=True))
    return top / math.sqrt(sum((x - ma) ** 2 for x in a) * sum((y - mb) ** 2 for y in b))


def test_info_nce_by_hand():
    # two pairs, every row and column softmax of (1, 0): -log(e / (e + 1)) = 0.31326
    assert info_nce(torch.eye(2)).item() == pytest.approx(math.log(1 + math.exp(-1)), abs=1e-6)
    assert info_nce(torch.zeros(4, 4)).item() == pytest.approx(math.log(4), abs=1e-6)


def test_ignored_entries_leave_both_sums_and_never_the_pair():
    logits = torch.randn(3, 3, generator=torch.Generator().manual_seed(0))
    ignore = torch.zeros(3, 3, dtype=torch.bool)
    ignore[0, 1] = ignore[0, 0] = True  # the diagonal is a pair whatever the mask says
    got = info_nce(logits, ignore).item()
    rows = columns = 0.0
    for i in range(3):
        row = [logits[i, j].item() for j in range(3) if j == i or not ignore[i, j]]
        column = [logits[j, i].item() for j in range(3) if j == i or not ignore[j, i]]
        rows -= math.log(math.exp(logits[i, i]) / sum(map(math.exp, row))) / 3
        columns -= math.log(math.exp(logits[i, i]) / sum(map(math.exp, column))) / 3
    assert got == pytest.approx((rows + columns) / 2, abs=1e-6)


def test_coarse_terms_against_loops():
    generator = torch.Generator().manual_seed(1)
    student, teacher = torch.randn(2, 5, 5, generator=generator) * 3
    pear = ce = 0.0
    for s, t in ((student, teacher), (student.T, teacher.T)):
        for s_row, t_row in zip(s.tolist(), t.tolist(), strict=True):
            p, q = slow_softmax(s_row), slow_softmax(t_row)
            pear += (1 - slow_pearson(p, q)) / 5
            ce -= sum(y * math.log(x) for x, y in zip(p, q, strict=True)) / 25
    assert coarse_distillation(student, teacher).item() == pytest.approx(pear, abs=1e-5)
    assert coarse_distillation(student, teacher, "ce").item() == pytest.approx(ce, abs=1e-5)
    assert coarse_distillation(torch.zeros(2, 2), torch.full((2, 2), 3.0), "l1").item() == pytest.approx(2.5)


def test_pearson_is_blind_to_scale_and_shift_and_survives_constant_rows():
    rows = torch.tensor([[1.0, 2.0, 4.0], [0.0, 1.0, 0.0]])
    assert pearson_distance(rows, rows * 7 + 3).item() == pytest.approx(0, abs=1e-6)
    assert pearson_distance(rows, -rows).item() == pytest.approx(2, abs=1e-6)
    assert torch.isfinite(pearson_distance(torch.ones(2, 3), rows))


def test_fine_term_is_divided_by_batch_and_frames():
    weights = torch.tensor([[0.5, 0.5], [0.25, 0.75]])
    labels = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    by_hand = (-math.log(0.5) - math.log(0.75)) / 4
    assert fine_distillation(weights, labels).item() == pytest.approx(by_hand, abs=1e-6)
    masked = fine_distillation(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0]]))
    assert masked.item() == pytest.approx(0.0)  # a masked frame (weight 0, label 0) costs nothing
    with pytest.raises(ValueError, match="differ in shape"):
        fine_distillation(weights, labels[:, :1])


def test_frame_labels_mask_and_temperature():
    frames = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]])
    sentence = torch.tensor([[2.0, 0.0]])
    labels = frame_labels(sentence, frames, 0.1, torch.tensor([[True, True, False]]))
    assert labels[0].tolist() == pytest.approx([*slow_softmax([10.0, 0.0]), 0.0], abs=1e-6)
    assert frame_labels(sentence, frames)[0].tolist() == pytest.approx(
        slow_softmax([1, 0, 0.5**0.5]), abs=1e-6
    )


def test_total_weights_and_two_teachers_are_averaged():
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(4, 4, generator=generator)
    weights = torch.randn(4, 6, generator=generator).softmax(-1)
    teachers = [
        Teaching(torch.randn(4, 4, generator=generator), torch.randn(4, 6, generator=generator).softmax(-1))
        for _ in range(2)
    ]
    both = teachclip_loss(logits, weights, teachers)
    each = [teachclip_loss(logits, weights, [teacher]) for teacher in teachers]
    assert both.total.item() == pytest.approx(sum(x.total.item() for x in each) / 2, abs=1e-6)
    assert both.total.item() == pytest.approx(
        0.2 * both.contrast.item() + both.coarse.item() + 2 * both.fine.item(), abs=1e-6
    )
    alone = teachclip_loss(logits, weights, [])
    assert alone.total.item() == pytest.approx(info_nce(logits).item())
    assert set(alone.numbers()) == {"total", "contrast", "coarse", "fine"}


@pytest.mark.parametrize("shape", [(0, 0), (2, 3), (4,)])
def test_a_matrix_that_is_not_square_is_refused(shape):
    with pytest.raises(ValueError, match="square"):
        info_nce(torch.zeros(shape))


@pytest.mark.parametrize(
    "variant", ["pear_ce_b1_t1", "pear_ce_b1_t2", "pear_pear_b2_t1", "ce_ce_b1_t1", "l1_l1_b1_t2"]
)
def test_every_published_variant(variant):
    golden = np.load(GOLDEN / "teachclip-student-a" / "outputs.npz")
    arrays = {key: torch.from_numpy(np.asarray(golden[key])) for key in golden.files}
    coarse, fine, beta, teachers = variant.split("_")
    teaching = [Teaching(arrays[f"teacher{k}_sim"], arrays[f"teacher{k}_frames"]) for k in (1, 2)]
    got = teachclip_loss(
        arrays["train_sim"],
        arrays["train_frameweight"],
        teaching[: int(teachers[1])],
        coarse=coarse,
        fine=fine,
        beta=float(beta[1:]),
    )
    for name, part in (
        ("loss", got.total),
        ("gt", got.contrast),
        ("distill", got.coarse),
        ("fine", got.fine),
    ):
        assert part.item() == pytest.approx(float(arrays[f"distill_{variant}_{name}"]), rel=1e-5), name


def test_published_teacher_labels_and_contrast():
    teacher = np.load(GOLDEN / "teachclip-teacher-a" / "outputs.npz")
    rows = teacher["train_text_index"]
    sentence, frames = torch.from_numpy(teacher["sent_emb"][rows]), torch.from_numpy(teacher["frame_emb"])
    np.testing.assert_allclose(frame_labels(sentence, frames).numpy(), teacher["sentence2frames"], atol=1e-6)
    for folder in ("xclip-a", "clip4clip-seqtransf-a"):
        golden = np.load(GOLDEN / folder / "outputs.npz")
        loss = info_nce(torch.from_numpy(golden["train_sim"])).item()
        assert loss == pytest.approx(float(golden["train_loss"]), rel=1e-5)
