"""What people write before they have Drivescope: the peers that `bench.py` measures it against.

They do the same work on the same files with the same architecture, in the plainest way that is not foolish.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from core.library.clips import cut, sample_times
from core.library.picture import Pixels
from core.library.video import VideoProbe
from core.models.backbone import Backbone
from core.models.open_clip_tower import OpenClipTower
from core.models.towers import ClipTower, Tower

if TYPE_CHECKING:
    from core.models.bundle import ModelBundle
    from core.models.preprocess import Preprocessing

LONGEST_S: Final = 300.0
"""The script gets at most this much footage; it is compared by footage a second, not by seconds."""


def plain_script(
    videos: Sequence[VideoProbe], bundle: ModelBundle, say: Callable[[str], None]
) -> dict[str, Any]:
    """cv2 in order, frame numbers from time x rate, PIL, float32, one clip a batch, torch's own threads."""
    towers = [_plain_tower(tower, bundle.device) for tower in bundle.towers]
    cv2.setNumThreads(-1)
    done_s, clips = 0.0, 0
    started, cpu = time.perf_counter(), time.process_time()
    for found in videos:
        if done_s > LONGEST_S:
            break
        say(f"The plain script: {found.path.name}")
        for frames in _script_clips(found, bundle.spec.frames):
            for tower, model in zip(bundle.towers, towers, strict=True):
                pixels = torch.stack([_pil(rgb, tower.preprocessing) for rgb in frames])  # (F, 3, h, w)
                with torch.inference_mode():
                    vectors = model(pixels.to(bundle.device))  # (F, D)
                    torch.nn.functional.normalize(vectors, dim=-1).mean(0).cpu()  # (D,)
            clips += 1
        done_s += found.duration_s
    seconds = time.perf_counter() - started
    return {
        "what": "cv2 + PIL + float32, one clip after the other",
        "seconds": seconds,
        "cpu_seconds": time.process_time() - cpu,
        "clips": clips,
        "footage_seconds": done_s,
        "realtime": done_s / seconds,
    }


def _script_clips(found: VideoProbe, frames: int) -> Iterator[list[Pixels]]:
    """The frames of each clip by counting, as if every file had an even rate and no hidden frames."""
    capture = cv2.VideoCapture(str(found.path))
    rate = capture.get(cv2.CAP_PROP_FPS) or 25.0
    number = 0
    for span in cut(found.duration_s):
        wanted = [int(time_s * rate) for time_s in sample_times(span, frames)]
        taken: list[Pixels] = []
        while len(taken) < frames:
            ok, bgr = capture.read()
            if not ok:
                break
            taken += [np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)] * wanted.count(number)
            number += 1
        if taken:
            yield taken
    capture.release()


def _pil(rgb: Pixels, preprocessing: Preprocessing) -> Tensor:
    """Cover and cut out the middle with PIL, then floats: (3, h, w) float32, normalised."""
    height, width = preprocessing.height, preprocessing.width
    picture = Image.fromarray(rgb)
    scale = max(height / picture.height, width / picture.width)
    size = (max(width, round(picture.width * scale)), max(height, round(picture.height * scale)))
    picture = picture.resize(size, Image.Resampling.BICUBIC)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    cropped = np.asarray(picture.crop((left, top, left + width, top + height)), np.float32) / 255
    normal = (cropped - np.array(preprocessing.mean, np.float32)) / np.array(preprocessing.std, np.float32)
    return torch.from_numpy(normal).permute(2, 0, 1)


def _plain_tower(tower: Tower, device: torch.device) -> Callable[[Tensor], Tensor]:
    """The tower as float32 modules. Random weights where the bundle's are packed: they cost the same time."""
    if isinstance(tower, OpenClipTower):
        model = copy.deepcopy(tower.model).float().to(device)
        return lambda pixels: model.encode_image(pixels)
    assert isinstance(tower, ClipTower)
    backbone = Backbone(tower.dims).eval().requires_grad_(False).to(device)
    return lambda pixels: backbone.encode_image(pixels)


def plain_rerank(words: Tensor, sentence: Tensor, frames: Tensor, video: Tensor) -> Tensor:
    """X-CLIP's similarity as its paper writes it (Ma et al., 2022), four terms one after the other: (K,)."""

    def attended(scores: Tensor, dim: int) -> Tensor:
        return (torch.softmax(scores / 0.01, dim=dim) * scores).sum(dim)

    frames, video = frames.float(), video.float()  # (K, F, D), (K, D)
    video_sentence = video @ sentence  # (K,)
    video_word = attended(video @ words.T, 1)  # (K, W) -> (K,)
    sentence_frame = attended(frames @ sentence, 1)  # (K, F) -> (K,)
    frame_word = torch.einsum("kfd,wd->kfw", frames, words)  # (K, F, W)
    by_word = attended(attended(frame_word, 1), 1)  # (K, W) -> (K,)
    by_frame = attended(attended(frame_word, 2), 1)  # (K, F) -> (K,)
    return (video_sentence + video_word + sentence_frame + (by_word + by_frame) / 2) / 4
