"""The temporal transformer over frame vectors, as CLIP4Clip (Luo et al., 2022) and its successors use it.

Two details decide exactness with published checkpoints: its LayerNorm has eps 1e-12 (CLIP's has 1e-5), and
padded frames are masked as keys only, with a finite -1e6.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional

PADDED_KEY = -1e6
EPS = 1e-12


class QuickGELU(nn.Module):
    """x * sigmoid(1.702 x), OpenAI CLIP's approximation."""

    def forward(self, x: Tensor) -> Tensor:
        """Elementwise."""
        return x * (1.702 * x).sigmoid()


class SelfAttention(nn.Module):
    """Multi-head self-attention with the parameter names of torch's MultiheadAttention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        fused = nn.Linear(width, 3 * width)
        self.num_heads = heads
        self.in_proj_weight = fused.weight  # (3D, D)
        self.in_proj_bias = fused.bias  # (3D,)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, key_mask: Tensor | None) -> Tensor:
        """(B, T, D) to (B, T, D); `key_mask` (B, 1, 1, T) is added to the logits."""
        B, T, D = x.shape
        fused = functional.linear(x, self.in_proj_weight, self.in_proj_bias)  # (B, T, 3D)
        by_head = fused.view(B, T, 3, self.num_heads, D // self.num_heads)
        q, k, v = by_head.permute(2, 0, 3, 1, 4)  # (B, h, T, d) each
        if key_mask is not None:
            key_mask = key_mask.to(q.dtype)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=key_mask)  # (B, h, T, d)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).reshape(B, T, D))
        return out


class Block(nn.Module):
    """Pre-norm residual block; with `eps` 1e-5 it is one of CLIP's towers' own."""

    def __init__(self, width: int, heads: int, eps: float = EPS, quick_gelu: bool = True) -> None:
        super().__init__()
        self.attn = SelfAttention(width, heads)
        self.ln_1 = nn.LayerNorm(width, eps=eps)
        self.mlp = nn.Sequential(
            OrderedDict(
                c_fc=nn.Linear(width, 4 * width),
                gelu=QuickGELU() if quick_gelu else nn.GELU(),
                c_proj=nn.Linear(4 * width, width),
            )
        )
        self.ln_2 = nn.LayerNorm(width, eps=eps)

    def forward(self, x: Tensor, key_mask: Tensor | None = None) -> Tensor:
        """(B, T, D) to (B, T, D)."""
        x = x + self.attn(self.ln_1(x), key_mask)
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class TemporalTransformer(nn.Module):
    """A stack of blocks without a final norm."""

    def __init__(self, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                nn.init.normal_(parameter, std=0.02)
            elif "bias" in name:
                nn.init.zeros_(parameter)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, T, D) to (B, T, D); `mask` (B, T) is 1 for real frames, 0 for padding."""
        key_mask = None if mask is None else ((1.0 - mask.float()) * PADDED_KEY)[:, None, None, :]
        for block in self.resblocks:
            x = block(x, key_mask)
        return x
