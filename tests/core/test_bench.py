import json

import numpy as np
import pytest
import torch

from core.bench import run_bench
from core.bench_peers import _pil, plain_rerank
from core.errors import DrivescopeError, ErrorKind
from core.models.bundle_io import random_bundle
from core.models.registry import load_bundle
from tests.core.library.conftest import make_video


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = random_bundle(tmp_path_factory.mktemp("bundle"))
    return load_bundle(str(folder), device="cpu", precision="float32")


def test_a_run_measures_every_step_and_says_what_it_compares(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr("core.bench.GALLERY", 2000)
    monkeypatch.setattr("core.bench.RERANKED", 50)
    make_video(tmp_path / "a.mp4", 20.0)
    make_video(tmp_path / "b.mkv", 9.0)
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    said = []
    threads = torch.get_num_threads()
    result = run_bench([tmp_path], bundle, said.append)
    assert torch.get_num_threads() == threads
    assert result["footage"] == {"videos": 2, "clips": 5, "frames": 60, "seconds": 29.0}
    assert result["script"]["clips"] == 5
    assert result["machine"]["precision"] == "float32"
    for part in ("decode", "resize", "encode", "sum", "thumbnails"):
        assert result["ingest"]["floors_s"][part] > 0
    floors = result["ingest"]["floors_s"]
    assert floors["sum"] == pytest.approx(floors["decode"] + floors["resize"] + floors["encode"], abs=1e-3)
    expected = result["ingest"]["realtime"] / result["script"]["realtime"]
    assert result["script"]["ingest_is_faster_by"] == pytest.approx(expected, rel=1e-2)
    assert set(result["query"]["this_library_ms"]) == {"text", "first", "rerank"}
    assert all(milliseconds > 0 for milliseconds in result["query"]["stages_ms"].values())
    assert any("plain script" in line for line in said)
    json.dumps(result, allow_nan=False)


def test_nothing_to_measure_with(bundle, tmp_path):
    with pytest.raises(DrivescopeError, match="no video to measure with") as caught:
        run_bench([tmp_path], bundle)
    assert caught.value.kind is ErrorKind.NOT_FOUND


def test_the_plain_rerank_is_the_same_similarity(bundle):
    """A peer that computed something else would be no peer."""
    generator = torch.Generator().manual_seed(1)
    unit = torch.nn.functional.normalize
    frames = unit(torch.randn(20, bundle.spec.frames, bundle.spec.reranker_dim, generator=generator), dim=-1)
    video = unit(torch.randn(20, bundle.spec.reranker_dim, generator=generator), dim=-1)
    query = bundle.encode_text("a van turns left")
    plain = plain_rerank(query.words, query.sentence, frames, video)
    torch.testing.assert_close(plain, bundle.rerank(query, frames, video).score, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("size", [(360, 640), (640, 360), (480, 640), (90, 160)])
def test_the_script_shows_the_model_the_same_picture(size):
    from core.models.preprocess import Preprocessing, prepare

    preprocessing = Preprocessing(36, 64)
    y, x = np.mgrid[: size[0], : size[1]]
    rgb = np.stack([127 + 90 * np.sin(x / 9), 255 * y / size[0], 255 * x / size[1]], -1).astype(np.uint8)
    ours = preprocessing.normalise(prepare(rgb, preprocessing, "center"))[0]
    difference = (_pil(rgb, preprocessing) - ours).abs()
    assert difference.mean() < 0.02  # about one of 255 steps
