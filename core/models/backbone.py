"""CLIP's two towers (Radford et al., 2021), built by open_clip, read the way the video papers read them.

The parameters keep the names of an OpenAI state dict (`visual.*`, `transformer.*`, `token_embedding`,
`positional_embedding`, `ln_final`, `text_projection`, `logit_scale`), so a CLIP4Clip-family checkpoint's
`clip.*` part loads one to one. What differs from open_clip's own forward: any number of text positions up
to the context length (the causal mask makes that exact), every word's vector as well as the sentence's,
and the patch tokens in the joint space.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, overload

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class ClipDims:
    """Everything that decides the shape of both towers. Sizes in pixels, heads are width // head_width."""

    image_height: int
    image_width: int
    patch: int
    vision_width: int
    vision_layers: int
    text_width: int
    text_layers: int
    embed_dim: int
    context: int = 77
    vocabulary: int = 49408
    quick_gelu: bool = True
    head_width: int = 64

    @property
    def grid(self) -> tuple[int, int]:
        """Patch rows and columns."""
        return self.image_height // self.patch, self.image_width // self.patch

    @property
    def vision_heads(self) -> int:
        """Attention heads of the image tower."""
        return max(1, self.vision_width // self.head_width)

    @property
    def text_heads(self) -> int:
        """Attention heads of the text tower."""
        return max(1, self.text_width // self.head_width)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Every tensor of a state dict of these dimensions, by its name in OpenAI's layout."""
        (rows, columns), p, D = self.grid, self.patch, self.embed_dim
        Wv, Wt = self.vision_width, self.text_width
        found: dict[str, tuple[int, ...]] = {
            "positional_embedding": (self.context, Wt),
            "text_projection": (Wt, D),
            "logit_scale": (),
            "visual.class_embedding": (Wv,),
            "visual.positional_embedding": (1 + rows * columns, Wv),
            "visual.proj": (Wv, D),
            "visual.conv1.weight": (Wv, 3, p, p),
            "token_embedding.weight": (self.vocabulary, Wt),
        }
        for name, width in (("visual.ln_pre", Wv), ("visual.ln_post", Wv), ("ln_final", Wt)):
            found |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
        for tower, width, layers in (
            ("visual.transformer", Wv, self.vision_layers),
            ("transformer", Wt, self.text_layers),
        ):
            for layer in range(layers):
                found |= _block_shapes(f"{tower}.resblocks.{layer}", width)
        return found


def _block_shapes(prefix: str, width: int) -> dict[str, tuple[int, ...]]:
    linears = {
        "attn.in_proj_": (3 * width, width),
        "attn.out_proj.": (width, width),
        "mlp.c_fc.": (4 * width, width),
        "mlp.c_proj.": (width, 4 * width),
    }
    found: dict[str, tuple[int, ...]] = {}
    for name, (out, into) in linears.items():
        found |= {f"{prefix}.{name}weight": (out, into), f"{prefix}.{name}bias": (out,)}
    for norm in ("ln_1", "ln_2"):
        found |= {f"{prefix}.{norm}.weight": (width,), f"{prefix}.{norm}.bias": (width,)}
    return found


class Backbone(nn.Module):
    """Both towers. Trainable, bfloat16-autocast safe; float32 in, float32 out unless it was cast."""

    def __init__(self, dims: ClipDims) -> None:
        super().__init__()
        import open_clip  # 1.5 s; only when a backbone is really built

        clip = open_clip.CLIP(
            dims.embed_dim,
            vision_cfg={
                "image_size": (dims.image_height, dims.image_width),
                "patch_size": dims.patch,
                "width": dims.vision_width,
                "layers": dims.vision_layers,
                "head_width": min(dims.head_width, dims.vision_width),
            },
            text_cfg={
                "context_length": dims.context,
                "vocab_size": dims.vocabulary,
                "width": dims.text_width,
                "heads": dims.text_heads,
                "layers": dims.text_layers,
            },
            quick_gelu=dims.quick_gelu,
        )
        self.dims = dims
        self.visual: Any = clip.visual
        self.transformer: Any = clip.transformer
        self.token_embedding: nn.Embedding = clip.token_embedding
        self.positional_embedding: nn.Parameter = clip.positional_embedding  # (context, text_width)
        self.ln_final: nn.Module = clip.ln_final
        self.text_projection: nn.Parameter = clip.text_projection  # (text_width, D)
        self.logit_scale: nn.Parameter = clip.logit_scale  # log of the scale

    @classmethod
    def without_weights(cls, dims: ClipDims) -> Backbone:
        """The towers on the meta device: no time spent on random numbers that a file replaces.

        Load with `load_state_dict(..., assign=True)`.
        """
        with torch.device("meta"):
            return cls(dims)

    def vision_tokens(self, images: Tensor) -> Tensor:
        """Normalised (N, 3, h, w) to (N, 1 + gh*gw, vision_width): class token first, before ln_post."""
        tokens: Tensor = self.visual._embeds(images)  # (N, L, Wv)
        tokens = self.visual.transformer(tokens)
        return tokens

    @overload
    def encode_image(self, images: Tensor, return_patches: Literal[False] = False) -> Tensor: ...

    @overload
    def encode_image(self, images: Tensor, return_patches: Literal[True]) -> tuple[Tensor, Tensor]: ...

    def encode_image(self, images: Tensor, return_patches: bool = False) -> Tensor | tuple[Tensor, Tensor]:
        """Frame vectors in the joint space, not normalised.

        Args:
            images: (N, 3, h, w) float, normalised with the checkpoint's mean and std.
            return_patches: also project every patch token (as CLIP4Clip's code does).

        Returns:
            (N, D), and with `return_patches` (N, gh*gw, D) in row-major order of the patch grid.

        """
        tokens = self.vision_tokens(images)  # (N, L, Wv)
        if not return_patches:
            frames: Tensor = self.visual.ln_post(tokens[:, 0]) @ self.visual.proj  # (N, D)
            return frames
        joint = self.visual.ln_post(tokens) @ self.visual.proj  # (N, L, D)
        return joint[:, 0], joint[:, 1:]

    def encode_text(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Sentence and word vectors in the joint space, not normalised.

        Args:
            ids: (N, W) int64, W at most the context length; the end token has the largest id.

        Returns:
            (N, D) at the end token, and (N, W, D) at every position, padding included.

        """
        N, W = ids.shape
        tokens = self.token_embedding(ids) + self.positional_embedding[:W]  # (N, W, Wt)
        mask = torch.full((W, W), float("-inf"), device=ids.device, dtype=tokens.dtype).triu(1)  # (W, W)
        hidden = self.ln_final(self.transformer(tokens, attn_mask=mask))  # (N, W, Wt)
        words = hidden @ self.text_projection  # (N, W, D)
        ends = ids.argmax(dim=-1)  # (N,)
        return words[torch.arange(N, device=ids.device), ends], words
