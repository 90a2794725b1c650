"""A tower made of open_clip's own modules, for architectures that are not OpenAI's CLIP.

What varies between them: how images are pooled (open_clip does it), whether the text tower looks ahead (SigLIP
and some MobileCLIPs do, so they always run their whole context), where the sentence vector is read, and the
tokenizer.
"""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch import Tensor, nn

from core.models.preprocess import Preprocessing
from core.models.tokens import PADDING, ClipTokenizer, Tokenizer
from core.models.towers import BATCH, TextVectors, Tower


class OpenClipTower(Tower):
    """Any `open_clip.CLIP` or `CustomTextCLIP` whose text tower is open_clip's TextTransformer."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - open_clip has no types
        preprocessing: Preprocessing,
        tokenizer: Tokenizer | None = None,
    ) -> None:
        self.model = model.float().eval().requires_grad_(False)
        self.preprocessing = preprocessing
        self._device, self._dtype = torch.device("cpu"), torch.float32
        self._text = getattr(model, "text", model)  # a plain CLIP keeps the text tower's parts itself
        self._pool = getattr(self._text, "pool_type", None) or model.text_pool_type
        self.context = int(self._text.context_length)
        # only a tower that never looks ahead, read at its end token, may leave out the padding
        self._causal = self._text.attn_mask is not None and self._pool == "argmax"
        self._tokenizer = tokenizer
        self._lock = threading.Lock()
        self.dim = len(self._project(torch.zeros(1, self._text.ln_final.weight.shape[0]))[0])

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Moves and converts the modules."""
        self.model.to(device=device, dtype=dtype)
        self._device, self._dtype = device, dtype

    @torch.no_grad()
    def encode_images(self, pixels: Tensor) -> Tensor:
        """Uint8 (N, 3, h, w) to float32 (N, D) on the CPU, not normalised."""
        return torch.cat([self._encode_batch(part) for part in torch.split(pixels, BATCH)])

    def _encode_batch(self, pixels: Tensor) -> Tensor:
        images = self.preprocessing.normalise(pixels.to(self._device)).to(self._dtype)  # (N, 3, h, w)
        vectors: Tensor = self.model.encode_image(images)  # (N, D)
        return vectors.float().cpu()

    @torch.no_grad()
    def encode_text(self, text: str, limit: int, padded: bool) -> TextVectors:
        """One sentence; positions beyond its tokens are returned only when `padded`."""
        tokenizer = self._get_tokenizer()
        tokens = tokenizer(text, min(limit, self.context))
        real = len(tokens.ids)
        run = real if self._causal and not padded else self.context
        ids = torch.tensor([*tokens.ids, *[tokenizer.padding_id] * (run - real)], device=self._device)
        words = self._project(self._hidden(ids[None]))[0].float().cpu()  # (W, D)
        sentence = words[self._sentence_position(ids)]
        kept = min(limit, run) if padded else real
        texts = (*tokens.texts, *[PADDING] * (kept - real))
        return TextVectors(sentence, words[:kept], texts, tokens.cut_words)

    def _hidden(self, ids: Tensor) -> Tensor:
        """(1, W) ids to (1, W, text width) after the final norm."""
        length = ids.shape[1]
        x = self._text.token_embedding(ids) + self._text.positional_embedding[:length]  # (1, W, Wt)
        mask = None if self._text.attn_mask is None else self._text.attn_mask[:length, :length]
        hidden: Tensor = self._text.ln_final(self._text.transformer(x, attn_mask=mask))
        return hidden

    def _project(self, hidden: Tensor) -> Tensor:
        """Text width to the joint space, at every position."""
        projection = self._text.text_projection
        if projection is None:
            return hidden
        hidden = hidden.to(device=self._device, dtype=self._dtype)
        joint: Tensor = projection(hidden) if isinstance(projection, nn.Linear) else hidden @ projection
        return joint

    def _sentence_position(self, ids: Tensor) -> int:
        """Where the tower puts the sentence: first, last, or the end token (the largest id)."""
        if self._pool == "first":
            return 0
        return len(ids) - 1 if self._pool == "last" else int(ids.argmax())

    def _get_tokenizer(self) -> Tokenizer:
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = ClipTokenizer()
            return self._tokenizer
