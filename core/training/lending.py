"""Words that no caption had, understood by their neighbours: each borrows the vectors of the known words nearest to it.

A public sentence encoder knows that a hound is a dog. Where it finds trained words close to an untrained one, the
untrained row of the token embedding becomes their mean, weighted by closeness; where it finds none, the row stays the
stand-in for unknown words. Nothing of the encoder ships, and what was trained is not touched. (In the spirit of
embedding-layer transfer; the neighbours' rule is ours.)

    python -m core.training.lending --model FOLDER --out words.npz
"""

from __future__ import annotations

import argparse
import re
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.errors import DrivescopeError, ErrorKind
from core.files import write_atomically
from core.models.backbone import Backbone
from core.models.bpe import clip_byte_pairs
from core.training.texts import UNKNOWN

CLOSE = 0.55
"""From this cosine on, a known word may lend."""
SHARPNESS = 0.05
LENDERS = 3
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
    vectors = encoder.encode(list(words.values()), batch_size=256, normalize_embeddings=True)
    ids = np.array(list(words))

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, ids=ids, vectors=vectors.astype(np.float16))

    write_atomically(target, write)
    return len(words)


def word_vectors(path: Path) -> tuple[Tensor, Tensor]:
    """Token numbers (M,) and unit vectors (M, E) of words from a file of `encode_words`.

    Raises DrivescopeError when the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            ids, vectors = torch.from_numpy(stored["ids"]), torch.from_numpy(stored["vectors"]).float()
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
    weights = (nearest.values / SHARPNESS).softmax(dim=1)
    weights = weights * (nearest.values >= CLOSE)
    weights = weights / weights.sum(dim=1, keepdim=True).clamp_min(1e-9)  # (U, L)
    lent = nearest.values[:, 0] >= CLOSE  # (U,)
    table = clip.token_embedding.weight
    rows = (weights[..., None] * table[known[nearest.indices]]).sum(dim=1)  # (U, Wt)
    table[borrowers[lent]] = rows[lent]
    return {
        int(number): tuple(int(known[k]) for k, w in zip(near, share, strict=True) if w > 0)
        for number, near, share in zip(
            borrowers[lent].tolist(), nearest.indices[lent], weights[lent], strict=True
        )
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
