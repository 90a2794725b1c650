"""Words that no caption had, understood by their neighbours: each borrows the vectors of the known words nearest to it.

A public sentence encoder knows that a hound is a dog. Where it finds trained words close to an untrained one, the
untrained row of the token embedding moves from the stand-in for unknown words towards their mean, weighted by
closeness, and the further the closer the nearest is; where it finds none, the row stays the stand-in. Alone,
"sundown" looks like "sunny" and "moonlight" like "sunshine": words are compared alone and in a sentence of the road
(`FRAMES`), each time less the mean of all words, which takes off what the frame itself says. Nothing of the encoder
ships, and what was trained is not touched. (In the spirit of embedding-layer transfer; the neighbours' rule is ours.)

Chosen on val clips and train clips, told with the words of `wording_rare`, taken away from the towers again, and with
words made up for this: against words alone, a hard limit and three lenders R@5 rose by 0.3 and 2.3 points (val) and
by 2.2 and 3.8 (train clips). Looked at once: `paraphrase` 59.1 to 61.8 (+2.7, standard error 1.0), free text mAP 73.5
to 73.2; `concept` has no such words. With `LEAST` 0.1 val gains half a point more, but two words in three would count
as known. Rows for the pieces of words that CLIP spells with several tokens, by ridge regression on 48,000 such words,
added nothing to this.

    python -m core.training.lending --model FOLDER --out words.npz
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from core.errors import DrivescopeError, ErrorKind
from core.files import write_atomically
from core.models.backbone import Backbone
from core.models.bpe import clip_byte_pairs
from core.training.texts import UNKNOWN

FRAMES = ("{}", "a {} crosses the road")
"""What a word is compared in."""
CLOSE, SOFTNESS = 0.35, 0.05
"""With its nearest at this cosine a word borrows half, and how fast that grows to all."""
LEAST = 0.5
"""A word that would borrow less stays unknown."""
SHARPNESS = 0.1
LENDERS = 8
NOT_LENT = frozenset(
    {
        "the",
        "a",
        "an",
        "and",
        "or",
        "of",
        "to",
        "in",
        "on",
        "at",
        "is",
        "are",
        "not",
        "no",
        "it",
        "its",
        "this",
    }
    | {"that", "with", "without", "for", "by", "from"}
)

Vectors = npt.NDArray[np.floating[Any]]


def whole_words() -> dict[int, str]:
    """The tokens of CLIP's vocabulary that are words of three letters or more, by number."""
    pairs = clip_byte_pairs()
    found = {}
    for number in range(UNKNOWN):
        word = pairs.readable(number)
        if re.fullmatch("[a-z]{3,}", word) and pairs.encode(word) == [number]:
            found[number] = word
    return found


def encode_words(model: Path, target: Path) -> int:
    """Write the vectors of `whole_words` under a sentence encoder's folder; returns how many.

    Needs the package sentence-transformers, which nothing else here does.
    """
    words = whole_words()
    encoder = import_module("sentence_transformers").SentenceTransformer(str(model), device="cpu")

    def encode(texts: list[str]) -> Vectors:
        vectors: Vectors = encoder.encode(texts, batch_size=256, normalize_embeddings=True)
        return vectors

    save_words(list(words), framed_vectors(list(words.values()), encode), target)
    return len(words)


def framed_vectors(words: list[str], encode: Callable[[list[str]], Vectors]) -> Vectors:
    """Unit vectors (M, len(FRAMES) * E); their cosine is the mean over the frames of the cosines of centred vectors.

    Args:
        words: M of them.
        encode: sentences to vectors (M, E).
    """
    parts = []
    for frame in FRAMES:
        vectors = encode([frame.format(word) for word in words])
        vectors = vectors - vectors.mean(axis=0)
        parts.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-9))
    whole: Vectors = np.concatenate(parts, axis=1) / np.sqrt(len(FRAMES))
    return whole


def save_words(ids: list[int], vectors: Vectors, target: Path) -> None:
    """Write token numbers (M) and the words' framed vectors, with the frames that they are of."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, ids=np.array(ids), vectors=vectors.astype(np.float16), frames=np.array(FRAMES))

    write_atomically(target, write)


def word_vectors(path: Path) -> tuple[Tensor, Tensor]:
    """Token numbers (M,) and unit vectors (M, E) of words from a file of `encode_words`.

    Raises DrivescopeError when the file is missing, damaged or of other frames.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            ids, vectors = torch.from_numpy(stored["ids"]), torch.from_numpy(stored["vectors"]).float()
            if tuple(stored["frames"].tolist()) != FRAMES:
                raise ValueError(f"frames {stored['frames'].tolist()}")
    except (OSError, KeyError, ValueError) as problem:
        raise DrivescopeError(
            ErrorKind.UNREADABLE,
            f"{path} holds no word vectors; make it with `encode_words`.",
            detail=str(problem),
        ) from problem
    return ids.long(), functional.normalize(vectors, dim=-1)


@torch.no_grad()
def lend(clip: Backbone, used: Tensor, ids: Tensor, vectors: Tensor) -> dict[int, tuple[int, ...]]:
    """Give untrained rows of the token embedding their neighbours' mean; returns who borrowed from whom.

    Args:
        clip: towers whose untrained rows are settled.
        used: (vocabulary,) bool, the rows that training used.
        ids: (M,) token numbers that have a word vector.
        vectors: (M, E) unit.
    """
    words = clip_byte_pairs()
    lender = used[ids].clone()
    for place, number in enumerate(ids.tolist()):
        if words.readable(number) in NOT_LENT:
            lender[place] = False
    known, knowing = ids[lender], vectors[lender]  # (K,), (K, E)
    borrowers, asking = ids[~used[ids]], vectors[~used[ids]]  # (U,), (U, E)
    if not len(known) or not len(borrowers):
        return {}
    nearest = (asking @ knowing.T).topk(min(LENDERS, len(known)), dim=1)  # (U, L)
    part = ((nearest.values[:, :1] - CLOSE) / SOFTNESS).sigmoid()  # (U, 1)
    weights = (nearest.values / SHARPNESS).softmax(dim=1) * part  # (U, L)
    lent = part[:, 0] >= LEAST  # (U,)
    table = clip.token_embedding.weight
    stand_in = table[UNKNOWN].clone()
    steps = table[known[nearest.indices[lent]]] - stand_in  # (lent, L, Wt)
    table[borrowers[lent]] = stand_in + (weights[lent][..., None] * steps).sum(dim=1)
    return {
        int(number): tuple(known[places].tolist())
        for number, places in zip(borrowers[lent].tolist(), nearest.indices[lent], strict=True)
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the word vectors of a sentence encoder; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m core.training.lending", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--model", type=Path, required=True, help="folder of a sentence-transformers model")
    parser.add_argument("--out", type=Path, required=True, help="file to write, .npz")
    options = parser.parse_args(arguments)
    try:
        count = encode_words(options.model, options.out)
    except DrivescopeError as problem:
        sys.stderr.write(problem.sentence + "\n")
        return 2
    sys.stdout.write(f"{count} words\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
