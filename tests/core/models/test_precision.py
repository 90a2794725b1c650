"""Every number format keeps every embedding of the golden inputs in its direction (cosine >= 0.999)."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cosine_similarity

from core.models.checkpoints import open_checkpoint

GOLDEN = Path(__file__).parents[2] / "data" / "golden"
FOLDERS = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("name", FOLDERS)
@torch.no_grad()
def test_every_embedding_keeps_its_direction(name, dtype) -> None:
    folder = GOLDEN / name
    inputs, golden = np.load(folder / "inputs.npz"), np.load(folder / "outputs.npz")
    model = open_checkpoint(folder / "checkpoint.bin").module()
    clip = model.clip.to(dtype)  # as bundles run: towers narrow, heads float32
    video = torch.from_numpy(inputs["video"])[:, 0, :, 0]  # (V, T, 3, H, W)
    frames = clip.encode_image(video.flatten(0, 1).to(dtype)).float().view(*video.shape[:2], -1)
    sentences, words = clip.encode_text(torch.from_numpy(inputs["input_ids"])[:, 0])
    pooled = model.pool(frames, torch.from_numpy(inputs["video_mask"])[:, 0])
    for found, wanted in (
        (frames, "frame_emb"),
        (sentences, "sent_emb"),
        (words, "word_emb"),
        (pooled.video, "video_feat"),
    ):
        cosines = cosine_similarity(found.float(), torch.from_numpy(golden[wanted]), dim=-1)
        assert float(cosines.min()) >= 0.999, wanted
