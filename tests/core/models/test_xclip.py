"""X-CLIP's attention over a similarity matrix, by hand; and padding, which must change nothing where it is masked."""

import math

import pytest
import torch

from core.models.clip4clip import unit
from core.models.xclip import TEMPERATURE, XClip, attend, attention

N, W, V, F, D = 2, 5, 3, 4, 8
REAL_WORDS, REAL_FRAMES = 3, 2


def test_attention_by_hand():
    scores = torch.tensor([0.02, 0.0])  # two hundredths apart: e^2 to 1
    matrix = torch.tensor([[1.0, 0.5, 9.0], [0.0, 2.0, 9.0], [9.0, 9.0, 9.0]])  # larger than needed
    first = math.exp(0.02 / TEMPERATURE) / (math.exp(0.02 / TEMPERATURE) + 1)
    assert first == pytest.approx(math.exp(2) / (math.exp(2) + 1))
    weights = attention(scores, 0, matrix)
    assert weights.tolist() == pytest.approx([first, 0.5 * first + 2 * (1 - first)])
    assert float(attend(scores, 0, matrix)) == pytest.approx(0.02 * first)


@pytest.fixture
def reranker():
    """Its matrices are no identity: they mix what is there with what is not."""
    torch.manual_seed(0)
    made = XClip(None, width=D, words=W, frames=F, temporal_layers=1, heads=1)
    with torch.no_grad():
        for name, matrix in made.named_parameters():
            if "mat_weight" in name or "logit_weight" in name:
                matrix += 0.3 * torch.randn_like(matrix)
    return made.eval()


def test_masked_padding_has_no_attention_and_no_similarity(reranker):
    sentence, video = unit(torch.randn(N, D)), unit(torch.randn(V, D))
    words, frames = unit(torch.randn(N, W, D)), unit(torch.randn(V, F, D))
    word_mask = (torch.arange(W) < REAL_WORDS).expand(N, W)
    frame_mask = (torch.arange(F) < REAL_FRAMES).expand(V, F)
    with torch.no_grad():
        padded = reranker.granularities(sentence, words, frames, video, word_mask, frame_mask)
        bare = reranker.granularities(sentence, words[:, :REAL_WORDS], frames[:, :REAL_FRAMES], video)
        unmasked = reranker.granularities(sentence, words, frames, video)
    for with_padding, without in zip(padded[:4], bare[:4], strict=True):
        assert torch.allclose(with_padding, without, atol=1e-6)
    for part in ("video_word", "sentence_frame", "frame_word"):  # published weights were trained this way
        assert not torch.allclose(getattr(padded, part), getattr(unmasked, part), atol=1e-3)
    assert torch.allclose(padded.score, sum(padded[:4]) / 4)
