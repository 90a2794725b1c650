"""Distillation and other bundles: libraries that go over to one, opened towers, and teachers from elsewhere."""

import numpy as np
import pytest
import torch

from core.errors import DrivescopeError, ErrorKind
from core.library.ingest import ingest
from core.library.library import Library
from core.library.switch import switch
from core.models.backbone import Backbone, ClipDims
from core.models.bundle_io import BundleConfig, random_bundle, save_bundle
from core.models.registry import load_bundle
from core.models.teachclip import TeachClip
from core.models.xclip import XClip
from core.training import distill, distill_loop
from core.training.distill_lessons import Lessons
from core.training.distill_towers import OpenTower, weights_of
from tests.core.library.conftest import make_video, picture
from tests.core.training.captioned_library import captions_for
from tests.core.training.distilling import make

pytestmark = pytest.mark.usefixtures("own_home")


def test_a_library_goes_over_and_back_without_its_footage(library, bundle, tmp_path, folder):
    answer = make(library, bundle, tmp_path)
    assert answer["switchable"]
    made = load_bundle(answer["bundle"], device="cpu", precision="float32")
    before = np.array(library.features(bundle.spec).student)
    assert switch(library, made) == 24
    again = library.reopen()
    assert again.made_with.reference == answer["bundle"]
    store = again.features(made.spec)
    raw = torch.from_numpy(np.array(store.frames, np.float32))
    np.testing.assert_allclose(store.student, made.pool((raw,)).student.numpy(), atol=2e-3)
    assert again.selftest(made.spec) == {"clips": 24, "rows": 24, "checked": 24, "pair": 2}
    with pytest.raises(DrivescopeError, match="indexed with"):
        again.features(bundle.spec)
    assert switch(again, bundle) == 0  # its vectors were kept
    np.testing.assert_array_equal(again.features(bundle.spec).student, before)
    again.close()


def test_a_bundle_with_other_towers_needs_the_footage(library, bundle, tmp_path):
    other = load_bundle(str(random_bundle(tmp_path / "other", seed=8)), device="cpu", precision="float32")
    with pytest.raises(
        DrivescopeError, match=r"cannot go over .* heads were not trained on stored vectors"
    ) as caught:
        switch(library, other)
    assert caught.value.kind is ErrorKind.MISMATCH
    for heads in (other.student, other.reranker):
        heads.frame_length = 8.0
    with pytest.raises(DrivescopeError, match="its towers are others"):
        switch(library, other)
    assert library.features(bundle.spec).rows == 24


def footage(tmp_path, videos=8):
    """Real files whose colours tell them apart, one clip each."""
    (tmp_path / "footage").mkdir()
    for number in range(videos):
        make_video(
            tmp_path / "footage" / f"drive{number:02}.mp4", 1.0, fps=12, size=(64, 36),
            picture=lambda n, w, h, shift=40 * number: picture(n + shift, w, h),
        )  # fmt: skip
    return tmp_path / "footage"


@pytest.fixture
def filmed(bundle, tmp_path):
    made = Library.create(tmp_path / "filmed", bundle.spec)
    ingest(made, bundle, [footage(tmp_path)], workers=1)
    yield made
    made.close()


def filmed_captions(tmp_path):
    return captions_for(tmp_path / "filmed.csv", videos=8, clips=1)


@torch.no_grad()
def test_opened_towers_are_the_towers_until_they_learn(filmed, bundle, tmp_path):
    captioned = distill.read_captioned(filmed_captions(tmp_path), filmed, filmed.features(bundle.spec))
    lessons = Lessons(captioned, 8, 0, 100, 100)
    tower = OpenTower(weights_of(bundle.spec.reference), 1, 32, torch.device("cpu"))
    tower.fill(
        tmp_path / "work", filmed, bundle, lessons.clip_ids, lessons.texts, "key", lambda line, share: None
    )
    learns = {name for name, p in tower.named_parameters() if p.requires_grad}
    assert {"clip.visual.proj", "clip.text_projection"} < learns
    assert not any("conv1" in name or "token_embedding" in name or "positional" in name for name in learns)
    store = filmed.features(bundle.spec)
    row_of = {clip: row for row, clip in enumerate(store.clip_ids.tolist())}
    stored = torch.from_numpy(np.array(store.frames[[row_of[clip] for clip in lessons.clip_ids]], np.float32))
    seen = tower.frames(range(8))
    assert float(torch.nn.functional.cosine_similarity(seen, stored, dim=-1).min()) > 0.9999
    batch = tower.texts(range(len(lessons.texts)))
    for at, text in enumerate(lessons.texts):
        query = bundle.encode_text(text)
        torch.testing.assert_close(batch.sentence[at], query.student, atol=1e-3, rtol=0)
        torch.testing.assert_close(batch.words[at, : len(query.words)], query.words, atol=1e-3, rtol=0)
        assert int(batch.mask[at].sum()) == len(query.words)
    settled = tower.settle(8, len(lessons.texts))
    torch.testing.assert_close(settled.frames([5, 2]), torch.nn.functional.normalize(seen[[5, 2]], dim=-1))
    picked = settled.texts([3, 1])
    torch.testing.assert_close(picked.sentence, batch.sentence[[3, 1]])


def test_finetuning_changes_the_top_and_nothing_below(filmed, bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(distill, "Rates", lambda: distill_loop.Rates(towers=1e-2))
    merits = iter(range(1000))  # the last look is the best one, so that what was learned is kept
    monkeypatch.setattr(distill, "figures_of", lambda outcomes: {"merit": float(next(merits))})
    answer = make(filmed, bundle, tmp_path, captions=filmed_captions(tmp_path), finetune=1, steps=2)
    assert not answer["switchable"]
    before, after = weights_of(bundle.spec.reference).tensors, weights_of(answer["bundle"]).tensors
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {"visual.proj", "text_projection"} < changed
    assert not {"visual.conv1.weight", "token_embedding.weight", "visual.positional_embedding"} & changed
    made = load_bundle(answer["bundle"], device="cpu", precision="float32")
    made.selftest()
    assert "top 1 blocks opened" in made.spec.label
    with pytest.raises(DrivescopeError, match="cannot go over"):
        switch(filmed, made)


def test_more_blocks_than_there_are(filmed, bundle, tmp_path):
    with pytest.raises(DrivescopeError, match="have 1 blocks to open; --finetune 2"):
        make(filmed, bundle, tmp_path, captions=filmed_captions(tmp_path), finetune=2)


def test_footage_that_is_gone_is_named(filmed, bundle, tmp_path):
    (tmp_path / "footage" / "drive03.mp4").unlink()
    with pytest.raises(DrivescopeError, match=r"drive03.mp4 is not there any more"):
        make(filmed, bundle, tmp_path, captions=filmed_captions(tmp_path), finetune=1)


def test_a_teacher_with_towers_of_its_own_teaches_and_reranks(filmed, bundle, tmp_path):
    teacher = random_bundle(tmp_path / "teacher", seed=5, height=32, width=32, embed_dim=128, name="teacher")
    answer = make(filmed, bundle, tmp_path, captions=filmed_captions(tmp_path), teacher=str(teacher))
    assert not answer["switchable"]
    made = load_bundle(answer["bundle"], device="cpu", precision="float32")
    made.selftest()
    assert (made.spec.student_dim, made.spec.reranker_dim) == (64, 128)
    assert [(p.height, p.width) for p in made.spec.preprocessing] == [(36, 64), (32, 32)]
    theirs = load_bundle(str(teacher), device="cpu", precision="float32")
    prepared = [made.prepare(picture(n, 64, 36)) for n in range(12)]
    ours = made.pool(tuple(part[None] for part in made.encode_frames(prepared)))
    alone = theirs.pool(tuple(part[None] for part in theirs.encode_frames([frame[1:] for frame in prepared])))
    torch.testing.assert_close(ours.video, alone.video, atol=2e-3, rtol=0)


def test_a_published_x_clip_file_teaches_and_reranks_with_its_padding(filmed, bundle, tmp_path):
    torch.manual_seed(2)
    dims = ClipDims(
        image_height=32, image_width=32, patch=8, vision_width=64, vision_layers=1, text_width=64,
        text_layers=1, embed_dim=64
    )  # fmt: skip
    published = XClip(Backbone(dims), width=64, words=16, frames=12, temporal_layers=1)
    torch.save(published.state_dict(), tmp_path / "xclip.bin")
    answer = make(
        filmed, bundle, tmp_path, captions=filmed_captions(tmp_path), teacher=str(tmp_path / "xclip.bin")
    )
    made = load_bundle(answer["bundle"], device="cpu", precision="float32")
    theirs = load_bundle(f"file:{tmp_path / 'xclip.bin'}", device="cpu", precision="float32", crop="squash")
    assert made.padded_words
    assert made.spec.context_words == 16
    prepared = [made.prepare(picture(n, 64, 36)) for n in range(12)]
    ours = made.pool(tuple(part[None] for part in made.encode_frames(prepared)))
    alone = theirs.pool(tuple(part[None] for part in theirs.encode_frames([frame[1:] for frame in prepared])))
    scores = made.rerank(made.encode_text("a red car"), ours.frames, ours.video).score
    expected = theirs.rerank(theirs.encode_text("a red car"), alone.frames, alone.video).score
    torch.testing.assert_close(scores, expected, atol=3e-3, rtol=0)


def test_the_librarys_own_reranker_can_teach(library, bundle, tmp_path, folder):
    """Nothing is decoded: its vectors are the library's."""
    answer = make(library, bundle, tmp_path, teacher=folder)
    made = load_bundle(answer["bundle"], device="cpu", precision="float32")
    assert len(made.towers) == 1
    torch.testing.assert_close(made.reranker.global_mat_weight, bundle.reranker.global_mat_weight)


def test_a_teacher_without_heads_teaches_nothing(library, bundle, tmp_path):
    weights = weights_of(bundle.spec.reference)
    student = TeachClip(weights.backbone(), width=64, temporal_layers=1)
    plain = XClip(None, width=64, words=32, frames=12, header="meanP")
    config = BundleConfig("plain", "Plain", "no heads", weights.preprocessing)
    save_bundle(tmp_path / "plain", student, plain, config)
    with pytest.raises(DrivescopeError, match="no trained X-CLIP heads"):
        make(library, bundle, tmp_path, teacher=str(tmp_path / "plain"))
