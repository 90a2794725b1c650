"""What the fake engine says about a score in words: numbers made up from the clip and the words, but consistent."""

import math

from core import protocol
from core.protocol import (
    ChangePreviewed,
    ClipPlace,
    ClipsFound,
    FrameRead,
    MissingWords,
    Progress,
    QueryChange,
    QueryEdit,
    RankExplained,
    RankMove,
    ScoreExplained,
    ScorePart,
    WordEffect,
    WordEffects,
    WordRead,
    WordTaken,
)
from core.search.query import read_query
from tests.explorer.fake_feedback import score_learned

FRAMES = 12
LIMIT = 20
NAMES = ("video_sentence", "video_word", "sentence_frame", "frame_word")


def seed(*parts) -> float:
    """A number from 0 to 1 that depends on the parts alone."""
    return math.sin(sum(ord(letter) for part in parts for letter in str(part)) * 12.9898) * 43758.5453 % 1


class WhyAnswers:
    """Mixed into the fake engine: needs its `world`, `say` and `cancelled`."""

    rank_steps = 3

    def _on_explainscore(self, request: protocol.ExplainScore) -> None:
        self.say(explained(request, self._hit_of(request)))

    def _hit_of(self, request):
        search = protocol.Search(id=0, text=request.text, k=100_000)
        stage = "reranked" if getattr(request, "rerank", True) else "first"
        ranking = self.world.ranking(search, stage)
        return next(hit for hit in ranking if hit.clip_id == request.clip_id)

    def _on_getwordeffects(self, request: protocol.GetWordEffects) -> None:
        words = read_query(request.text).positive.split()[:LIMIT]
        for number, word in enumerate(words):
            worth = round(0.5 * seed(word, request.clip_id) - 0.2, 4) if len(word) > 3 else 0.004
            self.say(WordEffects(request.id, request.clip_id, (WordEffect(number, worth / 2, worth),)))
        self.say(WordEffects(request.id, request.clip_id, (), last=True))

    def _on_previewchange(self, request: protocol.PreviewChange) -> None:
        stage = "reranked" if request.rerank else "first"
        before = self.world.ranking(protocol.Search(id=0, text=request.text), stage)
        after = self.world.ranking(protocol.Search(id=0, text=request.changed), stage)
        ranks = {hit.clip_id: hit.rank for hit in after}
        moves = [
            RankMove(hit.clip_id, hit.video, hit.start_s, hit.end_s, hit.rank, ranks.get(hit.clip_id))
            for hit in before
        ]
        own = next((move for move in moves[10:] if move.clip_id == request.clip_id), None)
        self.say(ChangePreviewed(request.id, request.changed, tuple(moves[:10]), own))

    def _on_getrank(self, request: protocol.GetRank) -> None:
        search = protocol.Search(id=0, text=request.text, k=100_000)
        ranking = self.world.ranking(search, "reranked" if request.rerank else "first")
        hit = next((hit for hit in ranking if hit.clip_id == request.clip_id), None)
        if hit is None:
            sentence = f"Clip {request.clip_id} is no longer in the library: search again."
            self.say(protocol.Failed(request.id, "not_found", sentence))
            return
        above = tuple(other for other in ranking[:10] if other.rank < hit.rank)
        answer = RankExplained(request.id, request.text, hit, self.world.clips, above, left_out=False)
        self.say(answer)
        long = [word for word in request.text.split() if len(word) > 3]
        missing = tuple(
            MissingWords(word, "Light" if word == "night" else "", 0.3 * seed(word, hit.rank) - 0.15, 0.12)
            for word in long
        )
        for step in range(1, self.rank_steps + 1):
            self.say(
                Progress(
                    request.id, "Looking for the smallest change", "changed queries", step, self.rank_steps,
                    "queries", 0.0, -1.0, request.text,
                )
            )  # fmt: skip
        changes = ()
        if hit.rank > 10 and long:
            text = " ".join(word for word in request.text.split() if word != long[0])
            changes = (QueryChange(text, (QueryEdit(long[0], ""),), 4),)
        self.say(
            RankExplained(
                request.id, request.text, hit, self.world.clips, above, False, missing, changes, bool(changes),
                self.rank_steps, last=True,
            )
        )  # fmt: skip

    def _on_findclips(self, request: protocol.FindClips) -> None:
        found = []
        for clip in range(1, self.world.clips + 1):
            video, start_s = self.world.clip(clip)
            if request.name_contains.casefold() in video.name.casefold():
                found.append(ClipPlace(clip, video.video_id, video.path, start_s, start_s + 8.0))
        self.say(ClipsFound(request.id, tuple(found[: request.limit]), len(found)))


def explained(request: protocol.ExplainScore, hit: protocol.Hit) -> ScoreExplained:
    """An explanation whose parts, words and frames add up to the hit's score."""
    reranked = request.rerank
    score = hit.rerank_score if reranked else hit.score
    words, at, asked = [], 0, read_query(request.text)
    for number, word in enumerate(asked.positive.split()):
        start = request.text.index(word, at)
        at = start + len(word)
        cut = number >= LIMIT
        if cut or not reranked:
            words.append(WordRead(word, start, at, cut))
            continue
        best = seed(word, hit.clip_id) * FRAMES
        rise = 0.3 if len(word) > 3 else 0.03
        similarity = tuple(round(0.08 + rise * math.exp(-(((n - best) / 2) ** 2)), 4) for n in range(FRAMES))
        words.append(WordRead(word, start, at, False, 0.004, similarity, (0.001,) * FRAMES))
    step = (hit.end_s - hit.start_s) / FRAMES
    shares = (0.6 * score, 0.05 * score, 0.1 * score, 0.25 * score)
    attention = [seed("x", n, hit.clip_id) ** 4 for n in range(FRAMES)]
    frames = tuple(
        FrameRead(
            hit.start_s + (n + 0.5) * step, (1 + seed(n, hit.clip_id)) / 18,
            attention[n] / sum(attention) if reranked else None, 0.01 if reranked else 0.0,
            seed(hit.clip_id, "answer", n) if reranked else None,
        )
        for n in range(FRAMES)
    )  # fmt: skip
    booked = sum(word.booked for word in words)
    return ScoreExplained(
        request.id, hit.clip_id, request.text, "reranked" if reranked else "first", score, hit.score, 60,
        tuple(ScorePart(n, 4 * s, s, p) for n, s, p in zip(NAMES, shares, (97.0, 61.0, 88.0, 93.0), strict=True))
        if reranked else (),
        tuple(words), 0.3 * score if reranked else 0.0, 0.7 * score - booked if reranked else 0.0,
        score - 0.01 * FRAMES if reranked else 0.0, frames,
        tuple(WordTaken(word, 0.02 * (number + 1)) for number, word in enumerate(asked.without)),
        score_learned(request, hit.rank),
    )  # fmt: skip
