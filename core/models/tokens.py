"""From a sentence to token ids, and back to the words a person can read.

Sequences are start + tokens + end, cut to the model's limit.
Words beyond the limit are reported, never dropped in silence.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.errors import DrivescopeError, ErrorKind
from core.models.bpe import END_ID, START_ID, clip_byte_pairs

START, END, PADDING = "‹start›", "‹end›", "‹pad›"


@dataclass(frozen=True)
class Tokens:
    """One tokenised sentence."""

    ids: tuple[int, ...]  # start and end included, padding not
    texts: tuple[str, ...]  # one readable piece per id
    cut_words: tuple[str, ...]  # words of the sentence that did not fit


class Tokenizer(Protocol):
    """What a text tower needs of its tokenizer."""

    padding_id: int

    def __call__(self, text: str, limit: int) -> Tokens:
        """At most `limit` ids."""
        ...


class ClipTokenizer:
    """CLIP's tokenizer (lower case, byte pairs, 49408 entries)."""

    padding_id = 0

    def __init__(self) -> None:
        self._pairs = clip_byte_pairs()

    def __call__(self, text: str, limit: int) -> Tokens:
        """At most `limit` ids: start, as many tokens as fit, end."""
        words = self._pairs.clean(text).split()
        room = limit - 2
        ids: list[int] = []
        cut: list[str] = []
        for number, word in enumerate(words):
            encoded = self._pairs.encode(word)
            if len(ids) + len(encoded) > room:
                ids += encoded[: room - len(ids)]
                cut = words[number:]
                break
            ids += encoded
        texts = (START, *map(self._pairs.readable, ids), END)
        return Tokens((START_ID, *ids, END_ID), texts, tuple(cut))


class JsonTokenizer:
    """A `tokenizer.json` of the Hugging Face tokenizers library, as SigLIP's text towers need it.

    Text is cleaned as SigLIP's authors do it: lower case, no punctuation, single spaces.
    """

    def __init__(self, path: Path, context: int, padding_token: str) -> None:
        from tokenizers import Tokenizer as Library

        try:
            self._library = Library.from_file(str(path))
        except Exception as error:  # the library raises bare Exceptions
            raise DrivescopeError(
                ErrorKind.UNREADABLE,
                f"{path} is not a readable tokenizer; get the model again.",
                detail=str(error),
            ) from error
        self._library.no_padding()
        self._library.enable_truncation(context)
        padding_id = self._library.token_to_id(padding_token)
        if padding_id is None:
            raise DrivescopeError(
                ErrorKind.UNREADABLE, f"{path} has no padding token {padding_token}: it is another tokenizer."
            )
        self.padding_id: int = padding_id

    def __call__(self, text: str, limit: int) -> Tokens:
        """At most `limit` ids, `limit` being the context that the tokenizer was made for."""
        cleaned = " ".join(text.replace("_", " ").translate(_NO_PUNCTUATION).lower().split())
        encoding = self._library.encode(cleaned)
        texts = [cleaned[a:b].strip() or END for a, b in encoding.offsets]
        cut: tuple[str, ...] = ()
        if encoding.overflowing:
            first = min(a for a, b in encoding.overflowing[0].offsets if b > a)
            cut = tuple(cleaned[cleaned.rfind(" ", 0, first + 1) + 1 :].split())
        return Tokens(tuple(encoding.ids[:limit]), tuple(texts[:limit]), cut)


_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
