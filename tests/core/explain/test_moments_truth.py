import numpy as np
import pytest
import torch

from core.explain import moments_truth
from core.explain.moments_drives import LONGEST_S, SHORTEST_S, make_drives
from core.explain.moments_truth import ClipVectors, join, measure, table
from core.world.truth import ClipTruth, Event

D = 16


def clip(seed: int, *events: Event, road: str = "city", light: str = "day") -> ClipTruth:
    return ClipTruth(seed, 8.0, road, light, "clear", "straight", 1, events, ())


@pytest.fixture(scope="module")
def truths() -> list[ClipTruth]:
    roads, lights = ("city", "highway", "rural"), ("day", "night")
    made = []
    for seed in range(60):
        start_s = 0.5 * (seed % 7)
        event = Event("ego stops" if seed % 3 else "ego turns left", start_s, start_s + 3.0)
        made.append(clip(seed, event, road=roads[seed % 3], light=lights[seed % 2]))
    return made


@pytest.fixture(scope="module")
def drives(truths):
    return make_drives(truths, [(f"clip number {t.seed}",) for t in truths], seed=0)


def test_drives_are_two_to_five_minutes_of_different_clips(drives):
    used = [number for drive in drives for number in drive.clips]
    assert len(used) == len(set(used))
    assert len(drives) >= 2
    for drive in drives:
        assert SHORTEST_S <= 8.0 * len(drive.clips) <= LONGEST_S
        assert drive.starts_s == tuple(8.0 * place for place in range(len(drive.clips)))


def test_what_is_asked_is_true_of_the_drive(drives, truths):
    kinds = {one.kind for drive in drives for one in drive.asked}
    assert kinds == {"event", "clip", "scene"}
    for drive in drives:
        inside = [truths[number] for number in drive.clips]
        happens = {
            (event.name, start_s + event.start_s, start_s + event.end_s)
            for start_s, truth in zip(drive.starts_s, inside, strict=True)
            for event in truth.events
        }
        for one in drive.asked:
            assert one.spans
            ends = [end_s for _, end_s in one.spans]
            starts = [start_s for start_s, _ in one.spans]
            assert all(0 <= s < e <= 8.0 * len(drive.clips) for s, e in one.spans)
            assert all(before < after for before, after in zip(ends, starts[1:], strict=False)), "joined"
            if one.kind == "event":
                assert all(span in {(s, e) for _, s, e in happens} for span in one.spans)
            elif one.kind == "clip":
                (span,) = one.spans
                assert one.text == f"clip number {inside[round(span[0] / 8)].seed}"


def test_the_same_seed_asks_the_same(drives, truths):
    captions = [(f"clip number {t.seed}",) for t in truths]
    assert make_drives(truths, captions, seed=0) == drives
    assert make_drives(truths, captions, seed=1) != drives


class Pool:
    """A reranker that pools by the plain mean."""

    def pool(self, frames):
        mean = frames.mean(dim=1)
        return type("Pooled", (), {"video": torch.nn.functional.normalize(mean, dim=-1)})()


class Bundle:
    """Knows every query of the drives: it encodes a text to the frames that it is true of."""

    device = torch.device("cpu")
    spec = type("Spec", (), {"frames": 12})()
    reranker = Pool()

    def __init__(self, answers) -> None:
        self.answers = answers

    def encode_text(self, text):
        vector = torch.from_numpy(self.answers[text])
        return type("Query", (), {"text": text, "sentence": vector, "student": vector})()


def test_with_a_perfect_model_clips_are_found_and_the_table_says_so(drives, truths):
    rng = np.random.default_rng(0)
    frames = np.repeat(rng.normal(size=(len(truths), 1, D)), 12, axis=1).astype(np.float32)
    frames += 0.05 * rng.normal(size=frames.shape).astype(np.float32)
    frames /= np.linalg.norm(frames, axis=-1, keepdims=True)
    pooled = frames.mean(axis=1)
    pooled /= np.linalg.norm(pooled, axis=-1, keepdims=True)
    vectors = ClipVectors(frames, pooled, pooled)
    answers = {}
    for drive in drives:
        for one in drive.asked:
            place = int(one.spans[0][0] // 8)
            answers[one.text] = pooled[drive.clips[place]]
    bundle = Bundle(answers)
    joined = [join(bundle, vectors, drive, [8.0] * len(drive.clips)) for drive in drives]
    found = measure(bundle, joined)
    assert found["clips"]["clip"]["R1@0.7"] == 100.0
    assert found["moments"]["clip"]["R1@0.5"] > found["sliding"]["clip"]["R1@0.5"]
    assert found["moments"]["clip"]["R1@0.7"] > 80.0
    assert {kind: row["queries"] for kind, row in found["moments"].items()} == {
        kind: row["queries"] for kind, row in found["sliding"].items()
    }
    text = table(found)
    assert "sliding" in text
    assert len(text.splitlines()) == 1 + 3 * 4


def test_a_folder_without_clips_is_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("core.models.registry.load_bundle", lambda *_, **__: None)
    assert moments_truth.main(["--world", str(tmp_path)]) == 2
    assert "no finished shards" in capsys.readouterr().err
