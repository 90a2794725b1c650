"""Average precision estimated from judgements of a sample: infAP (trec_eval) and xinfAP (TRECVID).

When a pool is too large to judge, a sample of it is, and the qrels mark the rest as pooled but unjudged. Both
measures estimate the average precision that full judgements would have given: infAP from one uniform sample
(Yilmaz and Aslam, CIKM 2006), xinfAP from strata sampled at different rates (Yilmaz, Kanoulas and Aslam,
SIGIR 2008). With everything judged both are average precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.evaluate.ties import IntArray

NOT_POOLED: Final = -2
UNJUDGED: Final = -1
_SMOOTHING: Final = 1e-5
XINFAP_DEPTH: Final = 1000


def inferred_ap(labels: npt.ArrayLike, relevant_judged: int, *, relevant_from: int = 1) -> float:
    """The infAP of one topic in 0..1.

    `labels` (n,): the judgement of each ranked document, best first (NOT_POOLED, UNJUDGED, or a grade);
    `relevant_judged` counts the judged relevant documents of the topic, ranked or not. Grades from
    `relevant_from` on are relevant.
    """
    if relevant_judged == 0:
        return 0.0
    grades = np.asarray(labels, np.int64)
    relevant = grades >= relevant_from
    judged = grades >= 0
    pooled = grades >= UNJUDGED
    above = np.arange(len(grades))  # how many documents stand above each
    relevant_above: IntArray = np.cumsum(relevant) - relevant
    judged_above: IntArray = np.cumsum(judged) - judged
    pooled_above: IntArray = np.cumsum(pooled) - pooled
    precision = (relevant_above + _SMOOTHING) / (judged_above + 2 * _SMOOTHING)
    terms = np.where(above == 0, 1.0, (1.0 + pooled_above * precision) / (above + 1.0))
    return float(terms[relevant].sum()) / relevant_judged


@dataclass(frozen=True)
class Judgement:
    """One row of stratified qrels: the stratum a pooled document was drawn from, and its grade or UNJUDGED."""

    stratum: str
    grade: int


def extended_inferred_ap(
    ranking: list[str], pool: Mapping[str, Judgement], *, relevant_from: int = 1
) -> float:
    """The xinfAP of one topic in 0..1: `ranking` names documents best first, `pool` every pooled document.

    As NIST's sample_eval defines it, down to its smoothing, its cut at 1000 documents and its factor for topics
    with more than 1000 estimated relevant documents.
    """
    strata = sorted({judgement.stratum for judgement in pool.values()})
    number = {stratum: index for index, stratum in enumerate(strata)}
    size, judged, relevant = (np.zeros(len(strata)) for _ in range(3))  # (C,) each, over the whole pool
    for judgement in pool.values():
        at = number[judgement.stratum]
        size[at] += 1
        judged[at] += judgement.grade >= 0
        relevant[at] += judgement.grade >= relevant_from
    if not relevant.any():
        return 0.0

    pooled_above, judged_above, relevant_above = (np.zeros(len(strata)) for _ in range(3))  # (C,) each
    precisions = np.zeros(len(strata))  # (C,) sums over the retrieved relevant documents
    for rank, name in enumerate(ranking[:XINFAP_DEPTH], start=1):
        found = pool.get(name)
        if found is None:
            continue
        at = number[found.stratum]
        if found.grade >= relevant_from:
            rate = (relevant_above + _SMOOTHING) / (judged_above + 3 * _SMOOTHING)  # (C,)
            precisions[at] += (1.0 + float((pooled_above * rate).sum())) / rank
        pooled_above[at] += 1
        judged_above[at] += found.grade >= 0
        relevant_above[at] += found.grade >= relevant_from

    drawn = relevant > 0
    estimated = relevant[drawn] * size[drawn] / judged[drawn]  # (C',) relevant documents of each stratum
    total = float(estimated.sum())
    result = float((estimated / total * precisions[drawn] / relevant[drawn]).sum())
    return result * max(1.0, total / XINFAP_DEPTH)
