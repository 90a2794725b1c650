"""X-CLIP's score of one clip taken apart exactly: which word and which frame brought how much of it.

The score (Ma et al., X-CLIP, 2022) is the mean of four granularities, and each of them is either one cosine or a
sum of cosines with weights from softmaxes. A contribution is weight x cosine / 4, both from the same forward pass:

    video-sentence   one cosine; belongs to the sentence as a whole and to the video as a whole
    video-word       one term for each word                            (video as a whole)
    sentence-frame   one term for each frame                           (sentence as a whole)
    frame-word       one term for each word and frame: half of it from attending words first, half frames first

So the words, the marks (start, end, padding) and the whole sentence add up to the score, and so do the frames and
the whole video. This is bookkeeping of what the model added up, not a claim about what it would say without a word:
for that see `counterfactual.py`. A learned matrix can make a weight, and with it a contribution, negative.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.models.tokens import END, PADDING, START
from core.models.xclip import XClip, attention

if TYPE_CHECKING:
    from core.models.bundle import ModelBundle, QueryVectors

Floats = NDArray[np.float32]
MARKS = frozenset({START, END, PADDING})
"""Positions that the model reads and a person did not write."""
SAME: Final = 1e-5
"""Cosines that are nearer than this are the same number, computed in another order."""


@dataclass(frozen=True)
class Word:
    """One word as typed (lower case), and the rows of `QueryVectors.words` that it was read in."""

    text: str
    positions: tuple[int, ...]
    start: int  # where it stands in the query, in code points
    end: int


@dataclass(frozen=True)
class Anatomy:
    """One clip's X-CLIP score and everything that it is the sum of; all float32, cosines without logit scale.

    `sum(by_word) + marks + sentence == score` and `sum(by_frame) + video == score`.
    """

    score: float
    parts: Floats  # (4,) video-sentence, video-word, sentence-frame, frame-word; the score is their mean
    words: tuple[Word, ...]
    cut_words: tuple[str, ...]  # beyond the model's limit: they contributed nothing
    by_word: Floats  # (W,)
    marks: float  # what the start, end and padding positions brought
    sentence: float  # what the sentence as a whole brought
    by_frame: Floats  # (F,)
    video: float  # what the video as a whole brought
    by_word_and_frame: Floats  # (W, F) the frame-word part's contributions
    similarity: Floats  # (W, F) frame-word cosines through X-CLIP's matrix; a word's pieces averaged
    frame_weights: Floats  # (F,) how much each frame counts in the sentence-frame part
    frame_answers: Floats  # (F,) how well each frame answers the query; the largest is the clip's best frame

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        names = ("video_sentence", "video_word", "sentence_frame", "frame_word")
        return {
            "score": self.score,
            "parts": dict(zip(names, self.parts.tolist(), strict=True)),
            "words": [w.text for w in self.words],
            "cut_words": list(self.cut_words),
            "by_word": self.by_word.tolist(),
            "marks": self.marks,
            "sentence": self.sentence,
            "by_frame": self.by_frame.tolist(),
            "video": self.video,
            "by_word_and_frame": self.by_word_and_frame.tolist(),
            "similarity": self.similarity.tolist(),
            "frame_weights": self.frame_weights.tolist(),
            "frame_answers": self.frame_answers.tolist(),
        }


def words_of(query: QueryVectors) -> tuple[Word, ...]:
    """The words of a query, each with its positions; pieces of one word are put together.

    Pieces are matched against the text from left to right. One that continues the word at hand belongs to it, and
    so does one that does not match (the tokenizer writes letters beyond ASCII in a code of its own): a word goes on
    until a piece begins the next one.
    """
    spans = [(found.start(), found.end()) for found in re.finditer(r"\S+", query.text)]
    typed = [query.text[start:end].lower() for start, end in spans]
    positions: list[list[int]] = [[] for _ in spans]
    at, read, lost = (
        -1,
        0,
        False,
    )  # the word at hand, how many of its letters were read, whether one was not known
    for position, piece in enumerate(query.word_texts):
        if piece in MARKS or not spans:
            continue
        if at >= 0 and not lost and typed[at].startswith(piece, read):
            read += len(piece)
        else:
            after = _word_after(typed, at, piece)
            begins = after >= 0 and typed[after].startswith(piece)
            done = at < 0 or (not lost and read >= len(typed[at]))
            if begins or (done and after >= 0):
                at, read, lost = after, len(piece), not begins
            else:
                lost = True
        positions[at].append(position)
    return tuple(
        Word(word, tuple(rows), start, end)
        for word, rows, (start, end) in zip(typed, positions, spans, strict=True)
        if rows
    )


def _word_after(typed: list[str], at: int, piece: str) -> int:
    """The next word that a tokenizer may have read: some drop words that are only marks. -1 if there is none."""
    later = range(at + 1, len(typed))
    return next((n for n in later if typed[n].startswith(piece) or any(map(str.isalnum, typed[n]))), -1)


@torch.no_grad()
def dissect(bundle: ModelBundle, query: QueryVectors, frames: Tensor, video: Tensor) -> Anatomy:
    """Takes the X-CLIP score of one clip apart.

    Args:
        bundle: whose reranker gives the score.
        query: from `bundle.encode_text`.
        frames: (F, Dr) unit frame vectors as the library stores them, any float dtype.
        video: (Dr,) unit, likewise.

    """
    device = bundle.device
    terms = _terms(
        bundle.reranker,
        query.sentence.to(device).float(),
        query.words.to(device).float(),
        frames.to(device).float(),
        video.to(device).float(),
    )
    words = words_of(query)
    by_position = (terms.video_word + terms.frame_word.sum(dim=1)) / 4  # (P,)
    by_word = _sum_pieces(by_position, words)  # (W,)
    sentence = float(terms.video_sentence + terms.sentence_frame.sum()) / 4
    by_frame = (terms.sentence_frame + terms.frame_word.sum(dim=0)) / 4  # (F,)
    parts = torch.stack(
        [terms.video_sentence, terms.video_word.sum(), terms.sentence_frame.sum(), terms.frame_word.sum()]
    )
    return Anatomy(
        score=float(parts.mean()),
        parts=_numpy(parts),
        words=words,
        cut_words=query.cut_words,
        by_word=_numpy(by_word),
        marks=float(by_position.sum() - by_word.sum()),
        sentence=sentence,
        by_frame=_numpy(by_frame),
        video=float(terms.video_sentence + terms.video_word.sum()) / 4,
        by_word_and_frame=_numpy(_sum_pieces(terms.frame_word / 4, words)),
        similarity=_numpy(_sum_pieces(terms.similarity, words, mean=True)),
        frame_weights=_numpy(terms.frame_weights),
        frame_answers=_numpy(terms.frame_answers),
    )


def parts_percentiles(parts: Floats, others: Floats) -> tuple[float, ...]:
    """For each of a clip's four parts (4,), the share (0-100) of the other clips' (K, 4) that are no higher."""
    if len(others) == 0:
        return (100.0,) * len(parts)
    return tuple((100.0 * (others <= parts + SAME).mean(axis=0)).tolist())


@dataclass(frozen=True)
class _Terms:
    """The four parts before they are summed; P token positions, F frames."""

    video_sentence: Tensor  # ()
    video_word: Tensor  # (P,)
    sentence_frame: Tensor  # (F,)
    frame_word: Tensor  # (P, F)
    similarity: Tensor  # (P, F)
    frame_weights: Tensor  # (F,)
    frame_answers: Tensor  # (F,)


def _terms(model: XClip, sentence: Tensor, words: Tensor, frames: Tensor, video: Tensor) -> _Terms:
    by_video = words @ video  # (P,)
    by_frame = frames @ sentence  # (F,)
    C = words @ model.local_mat_weight @ frames.T  # (P, F)
    over_words = attention(C, 0, model.word_mat_weight)  # (P, F)
    over_frames = attention(C, 1, model.frame_mat_weight)  # (P, F)
    word_level = (over_words * C).sum(dim=0)  # (F,)
    frame_level = (over_frames * C).sum(dim=1)  # (P,)
    # the second attention weighs what the first has summed, so the weights multiply
    of_frames = attention(word_level, 0, model.frame_mat_weight2)  # (F,)
    of_words = attention(frame_level, 0, model.word_mat_weight2)  # (P,)
    by_sentence = attention(by_frame, 0, model.frame_logit_weight)  # (F,)
    return _Terms(
        video_sentence=sentence @ model.global_mat_weight @ video,
        video_word=attention(by_video, 0, model.word_logit_weight) * by_video,
        sentence_frame=by_sentence * by_frame,
        frame_word=(over_words * of_frames + over_frames * of_words[:, None]) * C / 2,
        similarity=C,
        frame_weights=by_sentence,
        frame_answers=(by_frame + word_level) / 2,
    )


def _sum_pieces(values: Tensor, words: tuple[Word, ...], *, mean: bool = False) -> Tensor:
    """(P, ...) by token position to (W, ...) by word."""
    rows = [values[list(word.positions)] for word in words]
    summed = [row.mean(dim=0) if mean else row.sum(dim=0) for row in rows]
    return torch.stack(summed) if summed else values[:0]


def _numpy(values: Tensor) -> Floats:
    array: Floats = values.cpu().numpy().astype(np.float32)
    return array
