"""Checkpoint files of every kind: recognised, converted, strict, and never run."""

import dataclasses
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core.errors import DrivescopeError, ErrorKind
from core.models.backbone import Backbone, ClipDims
from core.models.checkpoints import open_checkpoint
from core.models.clip4clip import Clip4Clip
from core.models.preprocess import CROPS
from core.models.registry import load_bundle
from core.models.teachclip import TeachClip
from core.models.xclip import XClip

DIMS = ClipDims(
    image_height=32,
    image_width=32,
    patch=16,
    vision_width=64,
    vision_layers=1,
    text_width=64,
    text_layers=1,
    embed_dim=64,
)


def make(kind, seed=0, **sizes):
    torch.manual_seed(seed)
    return kind(Backbone(DIMS), width=64, temporal_layers=1, **sizes)


@pytest.fixture(scope="module")
def student():
    return make(TeachClip)


@pytest.fixture(scope="module")
def xclip():
    return make(XClip, seed=1, words=16, frames=6)


def assert_same_vectors(checkpoint, clip) -> None:
    images, ids = torch.randn(2, 3, 32, 32), torch.tensor([[49406, 5, 6, 49407, 0, 0]])
    with torch.no_grad():
        ours = checkpoint.module().clip
        assert torch.allclose(ours.encode_image(images), clip.encode_image(images), atol=1e-5)
        assert torch.allclose(ours.encode_text(ids)[0], clip.encode_text(ids)[0], atol=1e-5)


@pytest.mark.parametrize("name", ["a.bin", "a.pt", "a.pth", "a.safetensors", "a.pt-as.safetensors", "a.odd"])
def test_files_are_recognised_by_content(student, tmp_path, name) -> None:
    path = tmp_path / name
    state = {key: value.clone() for key, value in student.state_dict().items()}
    if name == "a.safetensors":
        save_file(state, path)
    else:
        torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, path)
    checkpoint = open_checkpoint(path)
    assert (checkpoint.head, checkpoint.dims) == ("TeachCLIP", DIMS)
    assert_same_vectors(checkpoint, student.clip)


def test_half_precision_is_widened_once(student, tmp_path) -> None:
    torch.save({k: v.half() for k, v in student.state_dict().items()}, tmp_path / "half.bin")
    module = open_checkpoint(tmp_path / "half.bin").module()
    assert {p.dtype for p in module.parameters()} == {torch.float32}
    name = "clip.visual.proj"
    assert torch.equal(module.state_dict()[name], student.state_dict()[name].half().float())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.pop("clip.ln_final.bias"), "misses key clip.ln_final.bias"),
        (lambda s: s.update(extra=torch.zeros(2)), "has unexpected key extra"),
        (
            lambda s: s.update({"frameLinear.weight": torch.zeros(3, 64)}),
            r"mis-shaped key frameLinear.weight \(3x64 instead of 64x64\)",
        ),
        (lambda s: s.pop("clip.visual.proj"), "misses key clip.visual.proj"),
        (lambda s: s.pop("clip.text_projection"), "misses the key clip.text_projection"),
        (lambda s: [s.pop(k) for k in list(s) if "ln_1" in k], "and 1 more"),
    ],
)
def test_wrong_keys_are_named(student, tmp_path, change, words) -> None:
    state = student.state_dict()
    change(state)
    torch.save(state, tmp_path / "wrong.bin")
    with pytest.raises(DrivescopeError, match=words) as caught:
        open_checkpoint(tmp_path / "wrong.bin").module()
    assert "wrong.bin" in caught.value.sentence


class Config:
    """A class that a careless checkpoint drags along."""


def test_pickled_classes_are_refused(student, tmp_path) -> None:
    torch.save({"model": student.state_dict(), "config": Config()}, tmp_path / "classes.pth")
    with pytest.raises(DrivescopeError, match=r"needs Python classes .* state_dict\(\) alone"):
        open_checkpoint(tmp_path / "classes.pth")


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 broken", b"\x80\x02garbage", b"hello" * 100, b"root:x:0:0:root:/root\n"]
)
def test_broken_files_are_said_to_be_broken(tmp_path, content) -> None:
    (tmp_path / "broken.bin").write_bytes(content)
    with pytest.raises(DrivescopeError, match="not a whole checkpoint file"):
        open_checkpoint(tmp_path / "broken.bin")


def test_other_things_are_refused_in_words(tmp_path) -> None:
    with pytest.raises(DrivescopeError) as caught:
        open_checkpoint(tmp_path / "nowhere.bin")
    assert caught.value.kind is ErrorKind.NOT_FOUND
    torch.save(torch.zeros(3), tmp_path / "tensor.bin")
    with pytest.raises(DrivescopeError, match="no state dict"):
        open_checkpoint(tmp_path / "tensor.bin")
    torch.save({"epoch": 3}, tmp_path / "number.bin")
    with pytest.raises(DrivescopeError, match="no tensors: epoch"):
        open_checkpoint(tmp_path / "number.bin")
    torch.save({"fc.weight": torch.zeros(3, 3)}, tmp_path / "other.bin")
    with pytest.raises(DrivescopeError, match=r"misses the key clip\.visual\.conv1\.weight"):
        open_checkpoint(tmp_path / "other.bin")
    (tmp_path / "pickle.bin").write_bytes(pickle.dumps({"a": Path("x")}))
    with pytest.raises(DrivescopeError, match=r"pickle\.bin"):
        open_checkpoint(tmp_path / "pickle.bin")


@pytest.mark.parametrize("key", ["cross.pooler.ln_pool.weight", "similarity_dense.weight"])
def test_tight_similarity_cannot_search(student, tmp_path, key) -> None:
    torch.save({**student.state_dict(), key: torch.zeros(1)}, tmp_path / "tight.bin")
    with pytest.raises(DrivescopeError, match="tightTransf"):
        open_checkpoint(tmp_path / "tight.bin")


class OpenAiArchive(torch.nn.Module):
    """Parameters and the three facts that OpenAI's archives carry."""

    def __init__(self, clip: Backbone) -> None:
        super().__init__()
        for name, child in clip.named_children():
            setattr(self, name, child)
        for name, parameter in clip.named_parameters(recurse=False):
            setattr(self, name, parameter)
        for name, value in (("input_resolution", 32), ("context_length", 77), ("vocab_size", 49408)):
            self.register_buffer(name, torch.tensor(value))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


@pytest.mark.filterwarnings("ignore:.*torch.jit.*")
def test_openai_archives_and_state_dicts(student, tmp_path) -> None:
    archive = OpenAiArchive(student.clip)
    traced = torch.jit.trace(archive, torch.zeros(1))
    traced.save(tmp_path / "archive.pt")
    torch.save(archive.state_dict(), tmp_path / "state.pt")
    for name in ("archive.pt", "state.pt"):
        checkpoint = open_checkpoint(tmp_path / name)
        assert (checkpoint.layout, checkpoint.head) == ("OpenAI CLIP", "meanP")
        assert checkpoint.dims.quick_gelu
        assert_same_vectors(checkpoint, student.clip)


def test_the_activation_is_asked_for_when_no_file_tells(student, tmp_path) -> None:
    path = tmp_path / "laion.pt"
    torch.save(student.clip.state_dict(), path)
    with pytest.raises(DrivescopeError, match=rf"file:{path}#quickgelu"):
        open_checkpoint(path)
    assert not open_checkpoint(path, quick_gelu=False).dims.quick_gelu
    assert open_checkpoint(path, quick_gelu=True).dims.quick_gelu
    with pytest.raises(DrivescopeError, match="QuickGELU or GELU"):
        load_bundle(f"file:{path}", device="cpu", precision="float32")
    gelu = load_bundle(f"file:{path}#gelu", device="cpu", precision="float32")
    quick = load_bundle(f"file:{path}#quickgelu", device="cpu", precision="float32")
    assert gelu.spec.name.endswith("laion.pt#gelu")
    assert gelu.spec.feature_id != quick.spec.feature_id
    torch.save(student.state_dict(), tmp_path / "student.bin")
    with pytest.raises(DrivescopeError, match="which uses QuickGELU"):
        open_checkpoint(tmp_path / "student.bin", quick_gelu=False)


def to_hugging_face(clip: Backbone) -> dict[str, torch.Tensor]:
    """OpenAI's names to Hugging Face's, written down independently of the conversion under test."""
    theirs: dict[str, torch.Tensor] = {
        "logit_scale": clip.logit_scale,
        "text_projection.weight": clip.text_projection.T,
        "visual_projection.weight": clip.visual.proj.T,
        "text_model.embeddings.position_ids": torch.arange(77)[None],
        "text_model.embeddings.token_embedding.weight": clip.token_embedding.weight,
        "text_model.embeddings.position_embedding.weight": clip.positional_embedding,
        "vision_model.embeddings.class_embedding": clip.visual.class_embedding,
        "vision_model.embeddings.position_embedding.weight": clip.visual.positional_embedding,
        "vision_model.embeddings.patch_embedding.weight": clip.visual.conv1.weight,
    }
    for half, ours, norms in (
        ("text_model", clip.transformer, {"final_layer_norm": clip.ln_final}),
        (
            "vision_model",
            clip.visual.transformer,
            {"pre_layrnorm": clip.visual.ln_pre, "post_layernorm": clip.visual.ln_post},
        ),
    ):
        for name, norm in norms.items():
            theirs |= {f"{half}.{name}.{k}": v for k, v in norm.state_dict().items()}
        for number, block in enumerate(ours.resblocks):
            prefix = f"{half}.encoder.layers.{number}"
            parts = {
                "layer_norm1": block.ln_1,
                "layer_norm2": block.ln_2,
                "mlp.fc1": block.mlp.c_fc,
                "mlp.fc2": block.mlp.c_proj,
                "self_attn.out_proj": block.attn.out_proj,
            }
            for name, part in parts.items():
                theirs |= {f"{prefix}.{name}.{k}": v for k, v in part.state_dict().items()}
            for letter, weight, bias in zip(
                "qkv", block.attn.in_proj_weight.chunk(3), block.attn.in_proj_bias.chunk(3), strict=True
            ):
                theirs[f"{prefix}.self_attn.{letter}_proj.weight"] = weight
                theirs[f"{prefix}.self_attn.{letter}_proj.bias"] = bias
    return {name: tensor.detach().clone().contiguous() for name, tensor in theirs.items()}


@pytest.mark.parametrize("prefix", ["", "clip."])
def test_hugging_face_files(student, tmp_path, prefix) -> None:
    state = {prefix + name: tensor for name, tensor in to_hugging_face(student.clip).items()}
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(DrivescopeError, match="QuickGELU or GELU"):
        open_checkpoint(tmp_path / "model.safetensors")
    acts = '{"text_config": {"hidden_act": "quick_gelu"}, "vision_config": {"hidden_act": "quick_gelu"}}'
    (tmp_path / "config.json").write_text(acts)
    checkpoint = open_checkpoint(tmp_path / "model.safetensors")
    assert (checkpoint.layout, checkpoint.head) == ("Hugging Face CLIP", "meanP")
    assert_same_vectors(checkpoint, student.clip)


def test_mmaction2_averages_frames_as_they_are(student, tmp_path) -> None:
    state = OrderedDict((f"clip.{k}", v) for k, v in student.clip.state_dict().items())
    torch.save({"meta": {"epoch": 5}, "state_dict": state}, tmp_path / "mm.pth")
    checkpoint = open_checkpoint(tmp_path / "mm.pth")
    assert checkpoint.layout == "mmaction2"
    frames = torch.randn(2, 4, 64) * torch.tensor([1.0, 5.0, 1.0, 1.0])[:, None]
    mean = torch.nn.functional.normalize(frames.mean(1), dim=-1)
    assert torch.allclose(checkpoint.module().pool(frames).video, mean, atol=1e-6)


def rgb_frames(count):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (36, 64, 3), dtype=np.uint8) for _ in range(count)]


@pytest.mark.parametrize("crop", [None, *CROPS])
def test_a_published_file_is_paper_faithful_by_default_and_with_no_other_crop(xclip, tmp_path, crop) -> None:
    torch.save(xclip.state_dict(), tmp_path / "xclip.bin")
    spec = load_bundle(f"file:{tmp_path / 'xclip.bin'}", device="cpu", precision="float32", crop=crop).spec
    assert spec.crop == (crop or "center")
    assert ("paper-faithful" in spec.label) == (spec.crop == "center")
    assert spec.label.endswith("paper-faithful crop" if spec.crop == "center" else f"{crop} crop")


def test_our_own_bundles_claim_no_paper(bundle_folder) -> None:
    for crop in CROPS:
        label = load_bundle(str(bundle_folder), device="cpu", precision="float32", crop=crop).spec.label
        assert "paper" not in label


def test_one_file_gives_both_stages(xclip, tmp_path) -> None:
    torch.save(xclip.state_dict(), tmp_path / "xclip.bin")
    bundle = load_bundle(f"file:{tmp_path / 'xclip.bin'}", device="cpu", precision="float32")
    assert bundle.spec.label == "X-CLIP checkpoint, paper-faithful crop"
    assert (bundle.spec.frames, bundle.spec.context_words, bundle.spec.crop) == (6, 16, "center")
    clips = bundle.pool(
        tuple(t[None] for t in bundle.encode_frames([bundle.prepare(f) for f in rgb_frames(6)]))
    )
    assert torch.allclose(clips.student, clips.video)
    query = bundle.encode_text("two cars")
    assert len(query.words) == 16  # published weights attend to padding
    bundle.selftest(bundle.selftest_vectors())
    with pytest.raises(DrivescopeError, match="6 frames per clip"):
        load_bundle(f"file:{tmp_path / 'xclip.bin'}", device="cpu", precision="float32", frames=12)


def test_two_files_share_equal_towers_only(student, xclip, tmp_path) -> None:
    torch.save(student.state_dict(), tmp_path / "student.bin")
    torch.save(xclip.state_dict(), tmp_path / "xclip.bin")
    shared = {**xclip.state_dict(), **{k: v for k, v in student.state_dict().items() if k[:5] == "clip."}}
    torch.save(shared, tmp_path / "shared.bin")
    name = f"file:{tmp_path / 'student.bin'},{tmp_path / 'xclip.bin'}"
    two = load_bundle(name, device="cpu", precision="float32", crop="squash")
    one = load_bundle(
        f"file:{tmp_path / 'student.bin'},{tmp_path / 'shared.bin'}", device="cpu", precision="float32"
    )
    assert (len(two.towers), len(one.towers)) == (2, 1)
    assert two.spec.label == "TeachCLIP checkpoint + X-CLIP checkpoint, squash crop"
    prepared = [two.prepare(f) for f in rgb_frames(6)]
    raw = two.encode_frames(prepared)
    assert len(raw) == 2
    assert not torch.allclose(raw[0], raw[1])
    clips = two.pool(tuple(t[None] for t in raw))
    with torch.no_grad():
        assert torch.allclose(clips.student, student.eval().pool(raw[0][None]).video, atol=1e-6)
        assert torch.allclose(clips.video, xclip.eval().pool(raw[1][None]).video, atol=1e-6)
    with pytest.raises(DrivescopeError, match="the reranker must be X-CLIP"):
        load_bundle(
            f"file:{tmp_path / 'xclip.bin'},{tmp_path / 'student.bin'}", device="cpu", precision="float32"
        )


def test_a_student_alone_is_reranked_with_identity(student, tmp_path) -> None:
    torch.save(student.state_dict(), tmp_path / "student.bin")
    bundle = load_bundle(f"file:{tmp_path / 'student.bin'}", device="cpu", precision="float32", frames=3)
    raw = bundle.encode_frames([bundle.prepare(f) for f in rgb_frames(3)])
    clips = bundle.pool(tuple(t[None] for t in raw))
    query = bundle.encode_text("a car")
    scores = bundle.rerank(query, clips.frames, clips.video)
    assert torch.allclose(scores.parts[0, 0], query.sentence @ clips.video[0], atol=1e-6)
    sharp = ((clips.frames[0] @ query.sentence) / 0.01).softmax(-1)
    assert torch.allclose(scores.parts[0, 2], sharp @ (clips.frames[0] @ query.sentence), atol=1e-6)


def test_a_bundle_of_files_is_found_again_from_any_folder(student, xclip, tmp_path, monkeypatch) -> None:
    torch.save(student.state_dict(), tmp_path / "a,b.bin")
    torch.save(xclip.state_dict(), tmp_path / "xclip.bin")
    monkeypatch.chdir(tmp_path)
    for name, whole in (
        ("file:a,b.bin", f"file:{tmp_path}/a,b.bin"),
        ("file:a,b.bin#quickgelu", f"file:{tmp_path}/a,b.bin#quickgelu"),
        (
            "file:xclip.bin , ./xclip.bin#quickgelu",
            f"file:{tmp_path}/xclip.bin,{tmp_path}/xclip.bin#quickgelu",
        ),
    ):
        reference = load_bundle(name, device="cpu", precision="float32").spec.reference
        assert reference == whole
        assert load_bundle(reference, device="cpu", precision="float32").spec.reference == whole


def test_another_vocabulary_cannot_be_tokenised(tmp_path) -> None:
    golden = Path(__file__).parents[2] / "data" / "golden" / "xclip-a" / "checkpoint.bin"
    with pytest.raises(DrivescopeError, match="vocabulary of 512"):
        load_bundle(f"file:{golden}", device="cpu", precision="float32")
    with pytest.raises(DrivescopeError, match=r"file:PATH or file:STUDENT,RERANKER"):
        load_bundle("file:a,b,c", device="cpu", precision="float32")


def test_the_three_headers_are_told_apart(tmp_path) -> None:
    for header in ("meanP", "seqTransf", "seqLSTM"):
        torch.save(make(Clip4Clip, header=header).state_dict(), tmp_path / "c.bin")
        assert open_checkpoint(tmp_path / "c.bin").label == f"CLIP4Clip checkpoint ({header})"


@pytest.mark.parametrize(("kind", "keys"), [(Clip4Clip, 351), (XClip, 359), (TeachClip, 355)])
def test_published_depths_have_the_published_number_of_keys(tmp_path, kind, keys) -> None:
    """ViT-B/32's depth: twelve blocks in each tower, four temporal ones; narrow, so that the file is small."""
    deep = dataclasses.replace(DIMS, vision_layers=12, text_layers=12, vocabulary=64)
    sizes = {"words": 32, "frames": 12} if kind is XClip else {}
    state = kind(Backbone(deep), width=64, temporal_layers=4, **sizes).state_dict()
    assert len(state) == keys
    assert sum(name.startswith("clip.") for name in state) == 302
    torch.save(state, tmp_path / "deep.bin")
    checkpoint = open_checkpoint(tmp_path / "deep.bin")
    assert len(checkpoint.module().state_dict()) == keys
    assert (checkpoint.words, checkpoint.frames) == ((32, 12) if kind is XClip else (None, None))
