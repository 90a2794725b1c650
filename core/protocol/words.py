"""Messages about a clip's score in words: what it is made of, what a changed query would do, why it is not higher.

Effects and parts are cosines without a scale. Offsets count code points of the query. Edits are never applied by
the engine: a changed query runs when the window searches for it.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from core.protocol.basics import Message
from core.protocol.retrieval import Feedback, Filters, Hit, Stage

FIRST_CLIPS: Final = 10
"""How many clips a preview follows, and into which a why-not search wants to bring a clip."""

PartName = Literal["video_sentence", "video_word", "sentence_frame", "frame_word"]


# --- window -> engine ---------------------------------------------------------------------------------


class ExplainScore(Message, frozen=True):
    """Take the score of any clip apart. Answers `ScoreExplained`.

    Without `rerank`, or for a clip that the rerank did not see, only the student is asked. `feedback` is what the
    ranking learned from.
    """

    id: int
    text: str
    clip_id: int
    rerank: bool = True
    filters: Filters = Filters()
    feedback: Feedback | None = None


class GetWordEffects(Message, frozen=True):
    """What each word is worth to a clip, by asking without it. Answers `WordEffects` in parts."""

    id: int
    text: str
    clip_id: int


class PreviewChange(Message, frozen=True):
    """Where the first clips of `text`, and `clip_id`, would stand for `changed`. Answers `ChangePreviewed`."""

    id: int
    text: str
    changed: str
    clip_id: int = 0
    rerank: bool = True
    filters: Filters = Filters()


class GetRank(Message, frozen=True):
    """Why any clip stands where it does. `Progress` while changes are tried; answers `RankExplained`s, ever fuller."""

    id: int
    text: str
    clip_id: int
    rerank: bool = True
    filters: Filters = Filters()


class FindClips(Message, frozen=True):
    """Clips of videos whose file name contains a text, in order of video and time. Answers `ClipsFound`."""

    id: int
    name_contains: str = ""
    limit: int = 200


# --- engine -> window ---------------------------------------------------------------------------------


class ScorePart(msgspec.Struct, frozen=True):
    """One granularity: `share` is what it brings to the score, `percentile` how many compared clips have no more."""

    name: PartName
    value: float
    share: float
    percentile: float


class WordRead(msgspec.Struct, frozen=True):
    """A word of the query. One that is `cut` lies beyond the model's limit, wholly or in part.

    `booked` is what X-CLIP added up at the word's own positions; `similarity` and `brought` have a number for each
    frame: the cosine of word and frame, and what the pair brings to the score.
    """

    text: str
    start: int
    end: int
    cut: bool = False
    booked: float = 0.0
    similarity: tuple[float, ...] = ()
    brought: tuple[float, ...] = ()


class FrameRead(msgspec.Struct, frozen=True):
    """A sampled frame. `student_weight` is its share in the clip's vector, whatever the query.

    Only where X-CLIP was asked: `weight`, its share in the sentence-frame part for this query; `booked`, what it
    brings to the score; `answer`, how well it answers the query (the best one is the hit's keyframe).
    """

    time_s: float
    student_weight: float
    weight: float | None = None
    booked: float = 0.0
    answer: float | None = None


class WordTaken(msgspec.Struct, frozen=True):
    """A minus word, and what it takes off the clip's score: how much more than a typical clip has of it."""

    text: str
    taken: float


class ScoreLearned(msgspec.Struct, frozen=True):
    """What judged clips do to a clip: what they add to its score, and the rank that it has without them.

    `rank_without` is None below the best thousand clips or so. `judged` is what was said of the clip itself, "" for
    nothing: "relevant" puts it first and "not" last, whatever its score is.
    """

    added: float
    rank_without: int | None
    judged: Literal["", "relevant", "not"] = ""


class ScoreExplained(Message, frozen=True):
    """A score taken apart: what the query asks for, before the largest of `taken` is taken off for its minus words.

    What judged clips add, `learned`, is not in it either.

    With stage "reranked" `score` is X-CLIP's, and it is the sum of the parts' shares; of all words' `booked`,
    `marks` and `sentence`; and of all frames' `booked` and `video`. With "first" it is the student's cosine, and
    there are no parts.
    """

    id: int
    clip_id: int
    query: str
    stage: Stage
    score: float
    first_score: float
    compared: int  # clips that the percentiles are about
    parts: tuple[ScorePart, ...] = ()
    words: tuple[WordRead, ...] = ()
    marks: float = 0.0  # booked at the start and end marks and the padding
    sentence: float = 0.0  # booked for the sentence as a whole
    video: float = 0.0  # booked for the video as a whole
    frames: tuple[FrameRead, ...] = ()
    taken: tuple[WordTaken, ...] = ()
    learned: ScoreLearned | None = None  # where the ranking learned from judged clips


class WordEffect(msgspec.Struct, frozen=True):
    """What both stages' scores of a clip lose when word `number` (of `ScoreExplained.words`) is muted."""

    number: int
    first: float
    rerank: float


class WordEffects(Message, frozen=True):
    """Some words' effects, as they come."""

    id: int
    clip_id: int
    effects: tuple[WordEffect, ...]
    last: bool = False


class RankMove(msgspec.Struct, frozen=True):
    """A clip's rank before and after a change; `new_rank` None: below all that are reranked."""

    clip_id: int
    video: str
    start_s: float
    end_s: float
    rank: int
    new_rank: int | None


class ChangePreviewed(Message, frozen=True):
    """The first clips as ranked now, with their new ranks; `own` is the asked clip where it is none of them."""

    id: int
    changed: str
    moves: tuple[RankMove, ...]
    own: RankMove | None = None


class MissingWords(msgspec.Struct, frozen=True):
    """A word or slot of the query, and what it is worth to the clip and, on the average, to the clips above it."""

    text: str
    slot: str  # "" for a word that belongs to none
    here: float
    above: float


class QueryEdit(msgspec.Struct, frozen=True):
    """`old` in the query becomes `new`; an empty `new` leaves it out."""

    old: str
    new: str


class QueryChange(msgspec.Struct, frozen=True):
    """A changed query and the rank that it gives the clip; None: below all that are reranked."""

    text: str
    edits: tuple[QueryEdit, ...]
    rank: int | None


class RankExplained(Message, frozen=True):
    """Where a clip stands and why: first the ranks alone, then with what is `missing`, at last with all `changes`.

    `hit` is the clip with its rank in both stages. `above` are those of the first clips that stand above it.
    `changes` bring it into the first clips, best first; where none was found, `enough` is False and the one that
    comes nearest is told.
    """

    id: int
    query: str
    hit: Hit
    searched_clips: int
    above: tuple[Hit, ...]
    left_out: bool  # by the filters: the ranks are those without them
    missing: tuple[MissingWords, ...] = ()
    changes: tuple[QueryChange, ...] = ()
    enough: bool = False
    tried: int = 0
    last: bool = False


class ClipPlace(msgspec.Struct, frozen=True):
    """A clip and where it lies."""

    clip_id: int
    video_id: int
    video: str
    start_s: float
    end_s: float


class ClipsFound(Message, frozen=True):
    """Some of the clips that were asked for, and how many there are in all."""

    id: int
    clips: tuple[ClipPlace, ...]
    total: int


Requests = ExplainScore | GetWordEffects | PreviewChange | GetRank | FindClips
Replies = ScoreExplained | WordEffects | ChangePreviewed | RankExplained | ClipsFound
