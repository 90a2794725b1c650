"""The tab Why in words: its sentence, its figures, and what is said of ranks and changes."""

import pytest

from core.protocol import ExplainScore, Hit, MissingWords, QueryChange, QueryEdit, RankExplained, RankMove
from explorer.models.why_words import frames_text, lit, peak, sentence, signed, top, word_tip
from explorer.widgets.why_not import change_title, changes_text, lacks_text, place_text
from explorer.widgets.why_preview import summary
from tests.explorer.fake_why import explained


def hit(**changes):
    fields = {
        "rank": 3, "clip_id": 1, "video_id": 1, "video": "/a.mp4", "start_s": 0.0, "end_s": 8.0, "score": 0.3,
        "first_rank": 5, "percentile": 95.0, "rerank_score": 0.4,
    }  # fmt: skip
    return Hit(**(fields | changes))


def test_the_sentence_names_what_stands_out_and_leaves_out_what_does_not():
    told = explained(ExplainScore(1, "a car at night", 1), hit())
    text = sentence(hit(), 63, told, {0: 0.0, 1: -0.2, 2: 0.0, 3: 0.1}, rerank_on=True)
    assert text.startswith("Rank 3 of 63: the video as a whole fits well (among the 5 % that fit best)")
    assert text.endswith("“night” adds most, “car” speaks against it.")
    flat = sentence(hit(), 63, told, {0: 0.001, 1: 0.0}, rerank_on=True)
    assert "adds most" not in flat
    told = explained(ExplainScore(1, "a car at night", 1, rerank=False), hit(rerank_score=None))
    text = sentence(hit(rerank_score=None), 2500, told, {}, rerank_on=True)
    assert text.startswith("Rank 3 of 2,500 by the student alone, because the rerank did not reach this clip")


def test_small_helpers_of_words():
    assert (top(100.0, 64), top(98.4, 64), top(100.0, 1000), top(0.1, 1000)) == (
        "2 %",
        "3 %",
        "0.1 %",
        "100 %",
    )
    assert (signed(0.0531), signed(-0.31), signed(-0.0001)) == ("+0.053", "−0.310", "0.000")
    assert peak((0.1, 0.2, 0.9, 0.8, 0.1, 0.9)) == (2, 3)
    assert (frames_text((3, 3)), frames_text((2, 5))) == ("frame 4", "frames 3–6")
    assert lit((0.1, 0.11)) == ()
    assert lit((0.1, 0.3, 0.2)) == pytest.approx((0.0, 1.0, 0.5))
    assert "would stay 0.400" in word_tip("the", 0.0, 0.4, cut=False, muted=False)
    assert "0.200 lower: the word speaks for" in word_tip("night", 0.2, 0.4, cut=False, muted=False)


def test_why_not_in_words():
    rank = RankExplained(1, "q", hit(rank=1700, first_rank=1700, rerank_score=None), 5000, (), True)
    assert place_text(rank) == (
        "The first stage ranks this clip 1,700 of 5,000, the rerank did not see it; it stays 1,700. The filter"
        " leaves the clip out: these are its ranks without the filter."
    )
    rows = [MissingWords("night", "Light", -0.3, 0.1), MissingWords("car", "", 0.1, 0.2)]
    assert lacks_text(rows) == "Beside the clips above it lacks “night” (light) most, then “car”."
    assert lacks_text([MissingWords("car", "", 0.1, 0.1)]).startswith("No single word explains it")
    change = QueryChange("q", (QueryEdit("night", "dusk"), QueryEdit("red", "")), None)
    assert change_title(change) == "“night” → “dusk” and without “red”: still far down"
    assert changes_text(RankExplained(1, "q", hit(), 60, (), False, tried=38, changes=(change,))) == (
        "None of 38 changed queries brings it into the first ten; the nearest:"
    )


def test_a_previews_summary_is_one_sentence():
    moves = tuple(RankMove(n, "/a.mp4", 0, 8, n, n + 1 if n < 10 else None) for n in range(1, 11))
    assert summary(moves, 3) == "Of the first 10, 1 would leave them; this clip would go from rank 3 to 4."
    still = tuple(RankMove(n, "/a.mp4", 0, 8, n, n) for n in range(1, 11))
    assert summary(still, 99) == "Nothing would move."
