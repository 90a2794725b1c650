"""TREC files, and metrics equal to trec_eval's own outputs to the digits that it prints."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.metrics import Outcomes, summarise
from core.evaluate.sampled import NOT_POOLED, Judgement, extended_inferred_ap, inferred_ap
from core.evaluate.ties import TiedRanking
from core.evaluate.trec import read_qrels, read_run, read_topics, write_qrels, write_run

TREC = Path(__file__).parents[2] / "data" / "metrics" / "trec_eval"
NAMES = {
    "mAP": "map",
    "nDCG@10": "ndcg_cut_10",
    "MRR": "recip_rank",
    "Success@1": "success_1",
    "Success@5": "success_5",
    "Success@10": "success_10",
}


@pytest.fixture
def unpack(tmp_path):
    def unpacked(name):
        path = tmp_path / name
        path.write_bytes(gzip.decompress((TREC / f"{name}.gz").read_bytes()))
        return path

    return unpacked


def printed(path):
    """{(measure, topic): value} of a trec_eval output."""
    rows = (line.split() for line in path.read_text().splitlines())
    return {(measure, topic): value for measure, topic, value in rows if measure != "runid"}


def judged(path):
    topics = {}
    for row in read_qrels(path)[0]:
        topics.setdefault(row.topic, {})[row.document] = row.grade
    return topics


def outcomes_of(grades, run, relevant_from=1):
    """One row per topic of the qrels; a topic that the run lacks is a failure, as with trec_eval -c."""
    rows = []
    for topic, judgements in grades.items():
        ranking = run.rankings.get(topic)
        documents = ranking.documents if ranking else ()
        starts = ranking.starts if ranking else np.empty(0, np.int64)
        gains = [judgements.get(d, 0) for d in documents]
        binary = TiedRanking([int(g >= relevant_from) for g in gains], starts)
        graded = TiedRanking(gains, starts)
        relevant = sum(g >= relevant_from for g in judgements.values())
        nothing = np.zeros(1)
        rows.append(
            Outcomes(
                binary.first_rank(np.inf)[None],
                binary.average_precision(relevant)[None],
                graded.ndcg(list(judgements.values()), 10)[None],
                binary.reciprocal_rank()[None],
                nothing,
                np.zeros((1, 3)),
            )
        )
    return rows


@pytest.mark.parametrize(
    ("qrels", "results", "output", "level"),
    [
        ("qrels.test", "results.test", "out.test.aq", 1),
        ("qrels.test", "results.trunc", "out.test.aqc", 1),
        ("qrels.rel_level", "results.test", "out.test.aql", 2),
    ],
)
def test_equal_to_trec_eval(unpack, qrels, results, output, level):
    grades, run, expected = (
        judged(unpack(qrels)),
        read_run(unpack(results), trec_order=True),
        printed(unpack(output)),
    )
    rows = outcomes_of(grades, run, level)
    for topic, row in [*zip(grades, rows, strict=True), ("all", Outcomes.stack(rows))]:
        values = summarise(row, tuple(NAMES), resamples=2)
        got = {NAMES[name]: f"{value.value:.4f}" for name, value in values.items()}
        assert got == {name: expected[name, topic] for name in got}, topic


@pytest.mark.parametrize(
    ("qrels", "output", "level"), [("qrels.test", "out.test.aq", 1), ("qrels.rel_level", "out.test.aql", 2)]
)
def test_inferred_ap_equal_to_trec_eval(unpack, qrels, output, level):
    grades, run = judged(unpack(qrels)), read_run(unpack("results.test"), trec_order=True)
    expected = printed(unpack(output))
    values = []
    for topic, judgements in grades.items():
        labels = [judgements.get(d, NOT_POOLED) for d in run.rankings[topic].documents]
        relevant = sum(g >= level for g in judgements.values())
        values.append(inferred_ap(labels, relevant, relevant_from=level))
        assert f"{values[-1]:.4f}" == expected["infAP", topic]
    assert f"{np.mean(values):.4f}" == expected["infAP", "all"]


def test_equal_to_trec_eval_in_full_precision(unpack):
    """To one part in a million, against trec_eval's own code (called through pytrec_eval) on the same files."""
    for case, topics in json.loads((TREC / "full_precision.json").read_text()).items():
        qrels, results, level = case.split()
        grades, run = judged(unpack(qrels)), read_run(unpack(results), trec_order=True)
        rows = dict(zip(grades, outcomes_of(grades, run, int(level)), strict=True))
        for topic, expected in topics.items():
            values = summarise(rows[topic], tuple(NAMES), resamples=2)
            for name, value in values.items():
                assert value.value == pytest.approx(expected[NAMES[name]], rel=1e-6), (case, topic, name)
            labels = [grades[topic].get(d, NOT_POOLED) for d in run.rankings[topic].documents]
            relevant = sum(grade >= int(level) for grade in grades[topic].values())
            inferred = inferred_ap(labels, relevant, relevant_from=int(level))
            assert inferred == pytest.approx(expected["infAP"], rel=1e-6)


def test_other_depths_of_ndcg(unpack):
    grades, run = judged(unpack("qrels.test")), read_run(unpack("results.test"), trec_order=True)
    expected = printed(unpack("out.test.aq"))
    for depth in (5, 10, 15, 20, 30, 100, 200, 500, 1000):
        for topic, judgements in grades.items():
            ranking = run.rankings[topic]
            gains = [judgements.get(d, 0) for d in ranking.documents]
            value = TiedRanking(gains, ranking.starts).ndcg(list(judgements.values()), depth)[0]
            assert f"{value:.4f}" == expected[f"ndcg_cut_{depth}", topic]


def test_ties_of_a_run_are_blocks(unpack):
    run = read_run(unpack("results.test"))
    assert {topic: len(r.starts) for topic, r in run.rankings.items()} == {"301": 494, "302": 498, "303": 498}


# --- xinfAP -------------------------------------------------------------------------------------------


def plain_ap(ranking, relevant):
    hits = [rank for rank, name in enumerate(ranking, 1) if name in relevant]
    return sum((i + 1) / rank for i, rank in enumerate(hits)) / len(relevant)


def test_xinfap_with_everything_judged_is_average_precision():
    generator = np.random.default_rng(0)
    names = [f"d{i}" for i in range(60)]
    for _ in range(5):
        ranking = list(generator.permutation(names))
        relevant = set(generator.choice(names, 12, replace=False))
        pool = {name: Judgement("1", int(name in relevant)) for name in names}
        labels = [pool[name].grade for name in ranking]
        assert extended_inferred_ap(ranking, pool) == pytest.approx(plain_ap(ranking, relevant), abs=1e-4)
        assert inferred_ap(labels, 12) == pytest.approx(plain_ap(ranking, relevant), abs=1e-4)


def test_xinfap_by_hand():
    # stratum a: 2 pooled, both judged, 1 relevant; stratum b: 4 pooled, 2 judged, 1 relevant
    pool = {
        "a1": Judgement("a", 1),
        "a2": Judgement("a", 0),
        "b1": Judgement("b", 1),
        "b2": Judgement("b", -1),
        "b3": Judgement("b", 0),
        "b4": Judgement("b", -1),
    }
    # rank 1 b3, 2 a1, 3 foreign, 4 b2, 5 b1
    e = 1e-5
    at_a1 = 1 / 2 + (1 / 2) * (1 * (0 + e) / (1 + 3 * e))
    at_b1 = 1 / 5 + (1 / 5) * (1 * (1 + e) / (1 + 3 * e) + 2 * (0 + e) / (1 + 3 * e))
    expected = (1 / 3) * at_a1 + (2 / 3) * at_b1  # estimated relevant: 1 in a, 1 * 4 / 2 in b
    assert extended_inferred_ap(["b3", "a1", "x", "b2", "b1"], pool) == pytest.approx(expected, rel=1e-12)
    assert extended_inferred_ap(["a2"], {"a2": Judgement("a", 0)}) == 0.0


def test_xinfap_looks_at_a_thousand_documents_only():
    pool = {"late": Judgement("a", 1)}
    filler = [f"x{i}" for i in range(1000)]
    assert extended_inferred_ap([*filler, "late"], pool) == 0.0
    assert extended_inferred_ap([*filler[1:], "late"], pool) == pytest.approx(0.001)


# --- files --------------------------------------------------------------------------------------------


def test_a_run_comes_back(tmp_path):
    path = tmp_path / "out" / "ours.run"
    write_run(path, "our run", [("q 1", [("a b.mp4#t=0,8", 0.75), ("c.mp4", 0.1)]), ("2", [("c.mp4", -1.5)])])
    assert path.read_text().splitlines()[0] == "q_1 Q0 a_b.mp4#t=0,8 1 0.75 our_run"
    run = read_run(path)
    assert run.name == "our_run"
    assert run.rankings["q_1"].documents == ("a_b.mp4#t=0,8", "c.mp4")
    assert run.rankings["2"].scores == (-1.5,)
    write_qrels(tmp_path / "q", [("1", "a", 2), ("1", "b", 0)])
    assert judged(tmp_path / "q") == {"1": {"a": 2, "b": 0}}


def test_qrels_with_strata_comments_and_unjudged(tmp_path):
    path = tmp_path / "qrels"
    path.write_text("# judged by hand\n1 0 a 2 1\n1 0 b 1 -1\n\n1 0 c 2 -5\n")
    rows, _ = read_qrels(path)
    assert [(r.line, r.document, r.stratum, r.grade) for r in rows] == [
        (2, "a", "2", 1),
        (3, "b", "1", -1),
        (5, "c", "2", -1),
    ]


def test_topics_of_both_kinds(tmp_path):
    path = tmp_path / "topics"
    path.write_text("731 a car at night\n# note\n732:\ta dog  runs\n")
    assert read_topics(path)[0] == {"731": (1, "a car at night"), "732": (3, "a dog  runs")}
    path.write_text(
        "<top>\n<num> Number: 301\n<title> A wet\n road \n<desc> ...\n</top>\n\n<top><num>302<title>Snow</title></top>"
    )
    assert read_topics(path)[0] == {"301": (1, "A wet road"), "302": (8, "Snow")}


@pytest.mark.parametrize(
    ("read", "text", "sentence"),
    [
        (read_run, "1 Q0 a 1 0.5 x\n1 Q0 b 2 nan x\n", "line 2: the score is nan"),
        (read_run, "1 Q0 a 1 -inf x\n", "line 1: the score is -inf"),
        (read_run, "1 Q0 a 1 high x\n", "line 1: the score “high” is not a number"),
        (read_run, "1 Q0 a 1 0.5\n", "line 1: a ranked document needs six fields"),
        (read_run, "1 Q0 a 1 0.5 x\n1 Q0 a 2 0.4 x\n", "line 2: topic 1 ranks a a second time"),
        (read_qrels, "1 0 a\n", "line 1: a judgement needs four fields"),
        (read_qrels, "1 0 a yes\n", "line 1: the relevance “yes” is not a whole number"),
        (read_qrels, "1 0 a 1\n1 0 a 0\n", "line 2: topic 1 judges a again (first in line 1)"),
        (read_topics, "1 a car\n1 a bus\n", "line 2: topic 1 is there again"),
        (read_topics, "nothing\n", "line 1: a topic needs an id and a text"),
        (read_run, "", "is empty"),
        (read_qrels, " \n\n", "is empty"),
    ],
)
def test_bad_lines_are_named(tmp_path, read, text, sentence):
    path = tmp_path / "file"
    path.write_text(text)
    with pytest.raises(DrivescopeError) as caught:
        read(path)
    assert caught.value.kind is ErrorKind.BAD_INPUT
    assert sentence in caught.value.sentence
    assert str(path) in caught.value.sentence
