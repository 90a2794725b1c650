"""One tower pair ready for inference: uint8 frames and sentences in, float32 vectors out.

A bundle has one tower or two (student and reranker may have been trained apart); each is one of these.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from core.models.backbone import Backbone, ClipDims
from core.models.learned import Learned
from core.models.packed import Form, PackedText, PackedVision
from core.models.preprocess import Preprocessing
from core.models.tokens import PADDING, ClipTokenizer, Tokenizer

BATCH: Final = 32
"""Images that go through a tower at once; more of them use more memory and are no faster."""


@dataclass(frozen=True)
class TextVectors:
    """One sentence through one text tower; float32 on the CPU, not normalised."""

    sentence: Tensor  # (D,)
    words: Tensor  # (W, D)
    word_texts: tuple[str, ...]
    cut_words: tuple[str, ...]
    unlearned: tuple[str, ...] = ()  # words as typed that the tower never learned and passes over
    blank: bool = False  # there are words, and none that says something is learned


class Tower(ABC):
    """Both halves of a CLIP-like model behind two calls; several threads may call at once.

    Made in float32 on the CPU; `place` then moves it to its device and number format, once.
    """

    preprocessing: Preprocessing
    dim: int
    context: int

    @abstractmethod
    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Converts the weights for good. Called once, before other threads see the tower."""

    @abstractmethod
    def encode_images(self, pixels: Tensor) -> Tensor:
        """Uint8 (N, 3, h, w) to float32 (N, D) on the CPU, not normalised."""

    @abstractmethod
    def encode_text(self, text: str, limit: int, padded: bool) -> TextVectors:
        """One sentence.

        Args:
            text: as typed.
            limit: most token positions, start and end included.
            padded: run and return all `limit` positions (published X-CLIP weights attend to padding), not
                only the ones that are there.
        """


class ClipTower(Tower):
    """A CLIP of OpenAI's form: packed weights on the CPU, open_clip's modules anywhere else."""

    def __init__(
        self,
        dims: ClipDims,
        tensors: Mapping[str, Tensor],
        preprocessing: Preprocessing,
        tokenizer: Tokenizer | None = None,
    ) -> None:
        """`tensors` is a float32 state dict in OpenAI's layout whose keys and shapes are `dims.shapes()`."""
        self.preprocessing = preprocessing
        self.dims, self.dim, self.context = dims, dims.embed_dim, dims.context
        self._tensors = tensors
        self._backbone: Backbone | None = None
        self._packed: tuple[PackedVision, PackedText] | None = self._pack(Form(packed=False))
        self._device, self._dtype = torch.device("cpu"), torch.float32
        self._tokenizer = tokenizer
        self._learned = Learned(tensors["token_embedding.weight"])
        self._lock = threading.Lock()

    @classmethod
    def of(cls, backbone: Backbone, preprocessing: Preprocessing) -> ClipTower:
        """A tower with the weights that a backbone has now."""
        tensors = {name: tensor.detach().float().clone() for name, tensor in backbone.state_dict().items()}
        return cls(backbone.dims, tensors, preprocessing)

    def place(self, device: torch.device, dtype: torch.dtype) -> None:
        """Packs the weights on a CPU, makes modules of them elsewhere; the float32 tensors are let go."""
        self._device, self._dtype = device, dtype
        if device.type == "cpu":
            self._packed = self._pack(Form(dtype))
        else:
            self._packed, self._backbone = None, self._modules(device, dtype)
        self._tensors = {}

    def _pack(self, form: Form) -> tuple[PackedVision, PackedText]:
        vision = PackedVision(self._tensors, self.dims, self.preprocessing, form)
        return vision, PackedText(self._tensors, self.dims, form)

    def _modules(self, device: torch.device, dtype: torch.dtype) -> Backbone:
        backbone = Backbone.without_weights(self.dims)
        backbone.load_state_dict(dict(self._tensors), assign=True)
        return backbone.to(device=device, dtype=dtype).eval().requires_grad_(False)

    @property
    def packed_vision(self) -> PackedVision | None:
        """The packed image tower, or None where modules run."""
        return None if self._packed is None else self._packed[0]

    @property
    def visual(self) -> Any:  # noqa: ANN401 - open_clip has no types
        """open_clip's image tower, where modules run."""
        assert self._backbone is not None, "a packed tower has let its modules go"
        return self._backbone.visual

    @torch.no_grad()
    def encode_images(self, pixels: Tensor) -> Tensor:
        """Uint8 (N, 3, h, w) to float32 (N, D) on the CPU, not normalised."""
        return torch.cat([self._encode_batch(part) for part in torch.split(pixels, BATCH)])

    def _encode_batch(self, pixels: Tensor) -> Tensor:
        if self._packed is not None:
            return self._packed[0](pixels)
        assert self._backbone is not None
        images = self.preprocessing.normalise(pixels.to(self._device)).to(self._dtype)  # (N, 3, h, w)
        return self._backbone.encode_image(images).float().cpu()

    @torch.no_grad()
    def encode_text(self, text: str, limit: int, padded: bool) -> TextVectors:
        """One sentence; the causal mask makes leaving out the padding exact."""
        tokenizer = self._get_tokenizer()
        limit = min(limit, self.context)
        tokens = tokenizer(text, limit)
        missing = limit - len(tokens.ids) if padded else 0
        ids = torch.tensor([[*tokens.ids, *[tokenizer.padding_id] * missing]])  # (1, W)
        words = self._encode_words(ids)[0]  # (W, D)
        texts = (*tokens.texts, *[PADDING] * missing)
        typed = text.split()
        read = " ".join(typed[: len(typed) - len(tokens.cut_words)])
        unlearned, blank = self._learned.unlearned(read)
        return TextVectors(words[ids[0].argmax()], words, texts, tokens.cut_words, unlearned, blank)

    def _encode_words(self, ids: Tensor) -> Tensor:
        if self._packed is not None:
            return self._packed[1](ids)
        assert self._backbone is not None
        return self._backbone.encode_text(ids.to(self._device))[1].float().cpu()

    def _get_tokenizer(self) -> Tokenizer:
        """Built at the first sentence: indexing needs none."""
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = ClipTokenizer()
            return self._tokenizer
