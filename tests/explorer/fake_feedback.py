"""How the fake engine learns: relevant clips first, the others last, and everything else turned round."""

import msgspec

from core import protocol


def learned(
    ranked: protocol.Ranked, request: protocol.Search, held: dict[tuple[str, int], protocol.JudgementInfo]
) -> protocol.Ranked | protocol.Failed:
    """The ranking by what the request's author judged for its query."""
    mine = {
        one.clip_id: one.verdict
        for one in held.values()
        if (one.author, one.query) == (request.learn_from, " ".join(request.text.split()))
    }
    good, bad = (
        tuple(clip for clip, said in mine.items() if said == verdict) for verdict in ("relevant", "not")
    )
    if not good + bad:
        return protocol.Failed(request.id, "not_found", "There is nothing to learn from yet.")
    hits = sorted(ranked.hits, key=lambda hit: (hit.clip_id in bad, hit.clip_id not in good, -hit.rank))
    hits = tuple(
        msgspec.structs.replace(hit, rank=rank, learned=round(0.5 - 0.01 * rank, 3))
        for rank, hit in enumerate(hits, 1)
    )
    return msgspec.structs.replace(ranked, hits=hits, learned=protocol.Feedback(good, bad), likely=None)


def score_learned(request: protocol.ExplainScore, rank: int) -> protocol.ScoreLearned | None:
    """What the explanation says of it."""
    told = request.feedback
    if told is None:
        return None
    judged = (
        "relevant"
        if request.clip_id in told.relevant
        else "not"
        if request.clip_id in told.not_relevant
        else ""
    )
    return protocol.ScoreLearned(0.123, rank, judged)
