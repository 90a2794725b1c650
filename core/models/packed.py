"""CLIP's towers for inference on a CPU, two to five times as fast as open_clip's modules.

What makes the difference: weights in the chosen number format, reordered once for the matrix units; activation
fused into the first MLP product; q, k and v as one product; in the last vision block the class token alone; and
uint8 pixels minus an integer mean, which bfloat16 holds exactly (the rest of the normalisation is folded into the
patch weights). QuickGELU runs as swish: with y = 1.702 x, x sigmoid(1.702 x) = swish(y) / 1.702, so the factor
moves into the weights on both sides.

The reordering is a private operation of torch's oneDNN bindings; without it the same code runs on plain products.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor
from torch.nn import functional

from core.models.backbone import ClipDims
from core.models.ending import CLIP_EPS, VisionEnding
from core.models.preprocess import Preprocessing

Activation = Literal["none", "gelu", "swish"]

QUICK: Final = 1.702
ROWS: Final = 800
"""The number of rows (16 images of 50 tokens) that weights are laid out for; any other number works too."""
PACKABLE: Final = (torch.float32, torch.bfloat16)


@dataclass(frozen=True)
class Form:
    """How weights are held: their number format, and whether they are reordered (which costs time once)."""

    dtype: torch.dtype = torch.float32
    packed: bool = True


class PackedLinear:
    """y = activation(x W^T + b) in one operation; weights (out, in) and bias (out,) come in float32."""

    def __init__(self, weight: Tensor, bias: Tensor, form: Form, activation: Activation = "none") -> None:
        self._activation = activation
        self._weight, self._bias = weight.to(form.dtype), bias.to(form.dtype)
        self._packed = _pack(self._weight) if form.packed and form.dtype in PACKABLE else None
        if self._packed is not None:
            self._weight = self._weight[:0]  # held once only

    def __call__(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        if self._packed is not None:
            fused: Tensor = torch.ops.mkldnn._linear_pointwise(
                x, self._packed, self._bias, self._activation, [], "none"
            )
            return fused
        y = functional.linear(x, self._weight, self._bias)
        if self._activation == "gelu":
            return functional.gelu(y)
        return functional.silu(y) if self._activation == "swish" else y


@dataclass(frozen=True)
class Part:
    """The tensors below one name."""

    tensors: Mapping[str, Tensor]
    prefix: str

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[self.prefix + name]


class PackedTransformer:
    """The pre-norm residual blocks of one tower."""

    def __init__(
        self,
        tensors: Mapping[str, Tensor],
        prefix: str,
        layers: int,
        heads: int,
        quick_gelu: bool,
        form: Form,
    ) -> None:
        names = [f"{prefix}.{layer}." for layer in range(layers)]
        self._blocks = [_PackedBlock(Part(tensors, name), heads, quick_gelu, form) for name in names]

    def __call__(self, x: Tensor, causal: bool = False, first_only: bool = False) -> Tensor:
        """(N, L, D) to (N, L, D), or to (N, 1, D) with `first_only`, which computes no other output."""
        for block in self._blocks[:-1]:
            x = block(x, causal, False)
        return self._blocks[-1](x, causal, first_only)

    def begin(self, x: Tensor, without: int) -> Tensor:
        """(N, L, D) through all blocks but the last `without`."""
        for block in self._blocks[: max(0, len(self._blocks) - without)]:
            x = block(x, False, False)
        return x

    def attentions(self, x: Tensor) -> list[Tensor]:
        """Every block's attention, the mean over heads: (N, L, L) float32 each, first block first."""
        found = []
        for block in self._blocks:
            found.append(block.attention(x))
            x = block(x, False, False)
        return found


class _PackedBlock:
    def __init__(self, part: Part, heads: int, quick_gelu: bool, form: Form) -> None:
        scale = QUICK if quick_gelu else 1.0
        self._heads = heads
        self._norm_1, self._norm_2 = _Norm(part, "ln_1", form), _Norm(part, "ln_2", form)
        self._qkv = PackedLinear(part["attn.in_proj_weight"], part["attn.in_proj_bias"], form)
        self._out = PackedLinear(part["attn.out_proj.weight"], part["attn.out_proj.bias"], form)
        up, up_bias = part["mlp.c_fc.weight"], part["mlp.c_fc.bias"]
        self._up = PackedLinear(up * scale, up_bias * scale, form, "swish" if quick_gelu else "gelu")
        self._down = PackedLinear(part["mlp.c_proj.weight"] / scale, part["mlp.c_proj.bias"], form)

    def __call__(self, x: Tensor, causal: bool, first_only: bool) -> Tensor:
        N, _, D = x.shape
        q, k, v = self._queries_keys_values(x)
        if first_only:
            q, x = q[:, :, :1], x[:, :1]
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=causal)  # (N, h, L or 1, d)
        x = x + self._out(mixed.transpose(1, 2).reshape(N, -1, D))
        return x + self._down(self._up(self._norm_2(x)))

    def attention(self, x: Tensor) -> Tensor:
        q, k, _ = self._queries_keys_values(x)
        logits = q.float() @ k.float().transpose(-1, -2) * q.shape[-1] ** -0.5  # (N, h, L, L)
        mean: Tensor = logits.softmax(dim=-1).mean(dim=1)
        return mean

    def _queries_keys_values(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, h, L, d) each."""
        N, L, D = x.shape
        fused = self._qkv(self._norm_1(x)).view(N, L, 3, self._heads, D // self._heads)
        q, k, v = fused.permute(2, 0, 3, 1, 4)
        return q, k, v


class _Norm:
    def __init__(self, part: Part, name: str, form: Form) -> None:
        self._weight, self._bias = part[f"{name}.weight"].to(form.dtype), part[f"{name}.bias"].to(form.dtype)

    def __call__(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self._weight, self._bias, CLIP_EPS)


class PackedVision:
    """The image tower, normalisation included, from a state dict in OpenAI's layout (float32)."""

    def __init__(
        self, tensors: Mapping[str, Tensor], dims: ClipDims, preprocessing: Preprocessing, form: Form
    ) -> None:
        part, dtype = Part(tensors, "visual."), form.dtype
        self._patch, self.grid, self._dtype = dims.patch, dims.grid, dtype
        mean = torch.tensor(preprocessing.mean).view(1, 3, 1, 1) * 255
        std = torch.tensor(preprocessing.std).view(1, 3, 1, 1) * 255
        self._integer_mean = mean.round()  # (1, 3, 1, 1)
        kernel = part["conv1.weight"] / std  # (D, 3, p, p)
        rest = (kernel * (self._integer_mean - mean)).sum(dim=(1, 2, 3))  # (D,)
        self._embed = PackedLinear(kernel.flatten(1), torch.zeros(len(kernel)), form)
        table = part["positional_embedding"]  # (1 + gh*gw, D)
        self._first = (part["class_embedding"] + table[0]).to(dtype)  # (D,)
        self._positions = (table[1:] + rest).to(dtype)  # (gh*gw, D)
        self._norm_in, self._norm_out = _Norm(part, "ln_pre", form), _Norm(part, "ln_post", form)
        self.blocks = PackedTransformer(
            tensors,
            "visual.transformer.resblocks",
            dims.vision_layers,
            dims.vision_heads,
            dims.quick_gelu,
            form,
        )
        self._projection = part["proj"].to(dtype)  # (D, joint)
        self.ending = VisionEnding.of_tensors(tensors, dims)

    def __call__(self, pixels: Tensor) -> Tensor:
        """Uint8 (N, 3, h, w) to float32 (N, joint), not normalised."""
        return self.read(self.tokens(pixels))

    def tokens(self, pixels: Tensor) -> Tensor:
        """Uint8 (N, 3, h, w) to what enters the first block: (N, 1 + gh*gw, D), class token first."""
        N, (rows, columns), p = len(pixels), self.grid, self._patch
        centred = pixels.to(self._dtype) - self._integer_mean.to(self._dtype)  # whole numbers, exact
        cut = centred.view(N, 3, rows, p, columns, p).permute(0, 2, 4, 1, 3, 5)
        patches = self._embed(cut.reshape(N, rows * columns, 3 * p * p)) + self._positions  # (N, L-1, D)
        return self._norm_in(torch.cat([self._first.expand(N, 1, -1), patches], dim=1))

    def read(self, tokens: Tensor) -> Tensor:
        """Tokens (N, L, D), any of the patches left out, to frame vectors: float32 (N, joint)."""
        out = self.blocks(tokens, first_only=True)[:, 0]  # (N, D)
        joint: Tensor = self._norm_out(out) @ self._projection
        return joint.float()


class PackedText:
    """The text tower, from a state dict in OpenAI's layout (float32)."""

    def __init__(self, tensors: Mapping[str, Tensor], dims: ClipDims, form: Form) -> None:
        self._dtype = form.dtype
        self._table = tensors["token_embedding.weight"]  # stays float32: it is only looked up
        self._positions = tensors["positional_embedding"]
        self._blocks = PackedTransformer(
            tensors, "transformer.resblocks", dims.text_layers, dims.text_heads, dims.quick_gelu, form
        )
        self._norm = _Norm(Part(tensors, ""), "ln_final", form)
        self._projection = tensors["text_projection"].to(form.dtype)

    def __call__(self, ids: Tensor) -> Tensor:
        """(N, W) ids to float32 (N, W, joint) at every position, not normalised."""
        tokens = functional.embedding(ids, self._table) + self._positions[: ids.shape[1]]  # (N, W, D)
        hidden = self._norm(self._blocks(tokens.to(self._dtype), causal=True))
        return (hidden @ self._projection).float()


def _pack(weight: Tensor) -> Tensor | None:
    """The weight in the matrix units' own order, or None where torch cannot do that."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return None
    try:
        packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), ROWS)
        probe = weight.new_zeros(1, weight.shape[1])
        torch.ops.mkldnn._linear_pointwise(probe, packed, None, "none", [], "none")
    except (AttributeError, RuntimeError, NotImplementedError):
        return None  # another torch, or a processor without bfloat16 products
    return packed
