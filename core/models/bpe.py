"""CLIP's byte-pair encoding (Radford et al., 2021; the idea: Sennrich et al., 2016), without importing open_clip.

The vocabulary is the file inside the installed open_clip package; importing that package as well would add half
the time and memory of torch to every start. A test holds the two tokenizers against each other.

A word's UTF-8 bytes are written with 256 printable stand-ins, the last one marked as the end of the word; then
the pair of neighbours that was merged earliest in training is joined, again and again.
"""

from __future__ import annotations

import gzip
import html
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Final

from core.errors import DrivescopeError, ErrorKind

FILE: Final = "bpe_simple_vocab_16e6.txt.gz"
MERGES: Final = 49152 - 256 - 2
"""The file holds more merges than CLIP uses."""
END_OF_WORD: Final = "</w>"
START_ID: Final = MERGES + 2 * 256
END_ID: Final = START_ID + 1
_PIECES: Final = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"


class BytePairs:
    """Text to ids and back. Made once per process by `clip_byte_pairs`; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        import regex  # CLIP's pattern needs Unicode classes that `re` does not have

        self._pattern = regex.compile(_PIECES, regex.IGNORECASE)
        stand_ins = _stand_ins()
        merges = _read_merges(path)
        letters = sorted(stand_ins.values())  # printing bytes first: the first 256 ids
        tokens = [*letters, *(letter + END_OF_WORD for letter in letters), *map("".join, merges)]
        self._stand_ins = stand_ins
        self._bytes = {letter: byte for byte, letter in stand_ins.items()}
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._ids = {token: number for number, token in enumerate(tokens)}
        self._tokens = tokens
        self._encode_piece = lru_cache(maxsize=16384)(self._merge)

    @staticmethod
    def clean(text: str) -> str:
        """Broken Unicode mended, HTML entities resolved, single spaces, lower case."""
        import ftfy

        mended = html.unescape(html.unescape(ftfy.fix_text(text)))
        return " ".join(mended.split()).lower()

    def encode(self, text: str) -> list[int]:
        """Ids of cleaned text, without start and end."""
        return [number for piece in self._pattern.findall(text) for number in self._encode_piece(piece)]

    def readable(self, number: int) -> str:
        """One token as a person reads it; the parts of a split character show as �."""
        letters = self._tokens[number].removesuffix(END_OF_WORD)
        return bytes(self._bytes[letter] for letter in letters).decode("utf-8", errors="replace")

    def _merge(self, piece: str) -> tuple[int, ...]:
        """Ids of one piece: neighbours joined in the order in which training joined them."""
        parts = [self._stand_ins[byte] for byte in piece.encode("utf-8")]
        parts[-1] += END_OF_WORD
        while len(parts) > 1:
            ranked = [(self._ranks.get(pair, MERGES), pair) for pair in pairwise(parts)]
            rank, best = min(ranked)
            if rank == MERGES:
                break
            joined: list[str] = []
            for part in parts:  # every occurrence of the pair, from the left
                if joined and (joined[-1], part) == best:
                    joined[-1] += part
                else:
                    joined.append(part)
            parts = joined
        return tuple(self._ids[part] for part in parts)


@lru_cache(maxsize=1)
def clip_byte_pairs() -> BytePairs:
    """One vocabulary per process: reading it takes a tenth of a second."""
    found = find_spec("open_clip")  # finds the folder, runs nothing in it
    if found is None or found.origin is None or not (path := Path(found.origin).parent / FILE).is_file():
        raise DrivescopeError(
            ErrorKind.NOT_FOUND,
            f"The package open_clip_torch with its vocabulary {FILE} is not installed; install Drivescope again.",
        )
    return BytePairs(path)


def _read_merges(path: Path) -> list[tuple[str, str]]:
    """Pairs in the order of training; the file's first line is its version."""
    lines = gzip.decompress(path.read_bytes()).decode("utf-8").split("\n")[1 : MERGES + 1]
    pairs = (line.split() for line in lines)
    return [(first, second) for first, second in pairs]


def _stand_ins() -> dict[int, str]:
    """A printable character for each byte: itself where it prints, else the next one from 256 upwards."""
    printing = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    rest = [byte for byte in range(256) if byte not in printing]
    return {byte: chr(byte) for byte in printing} | {byte: chr(256 + n) for n, byte in enumerate(rest)}
