"""Public CLIPs without trained heads: the same vectors as open_clip's own code gives, offline."""

import dataclasses
import json
import shutil
import socket

import numpy as np
import open_clip
import pytest
import torch
from open_clip.pretrained import get_pretrained_cfg
from safetensors.torch import save_file

from core.errors import Cancelled, DrivescopeError, ErrorKind
from core.models import catalogue, store
from core.models.open_clip_tower import OpenClipTower
from core.models.preprocess import Preprocessing, prepare
from core.models.registry import available_bundles, fetch_model, load_bundle
from core.models.tokens import ClipTokenizer, Tokens
from core.models.towers import ClipTower
from core.models.zero_shot import build_open_clip, plain_dims

VISION = {"image_size": 32, "layers": 2, "width": 64, "patch_size": 16}
TEXT = {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 2}
CONFIGURATIONS = {
    "tiny-plain": {"embed_dim": 48, "vision_cfg": VISION, "text_cfg": TEXT},
    # looks ahead, is read at the last position, and has its own tokenizer: SigLIP's text tower
    "tiny-siglip": {
        "embed_dim": 64,
        "init_logit_bias": -10,
        "custom_text": True,
        "vision_cfg": VISION,
        "text_cfg": {
            **TEXT,
            "no_causal_mask": True,
            "proj_bias": True,
            "pool_type": "last",
            "vocab_size": 40,
        },
    },
    # looks ahead, is read at the end token: MobileCLIP2's
    "tiny-mobile": {
        "embed_dim": 40,
        "custom_text": True,
        "vision_cfg": VISION,
        "text_cfg": {**TEXT, "no_causal_mask": True},
    },
    # never looks ahead, but is no plain CLIP: PE-Core's
    "tiny-causal": {"embed_dim": 40, "custom_text": True, "vision_cfg": VISION, "text_cfg": TEXT},
}
SENTENCE = "a red car at a crossing"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Registers the tiny architectures with open_clip and saves random weights of each."""
    folder = tmp_path_factory.mktemp("published")
    (folder / "configs").mkdir()
    for name, configuration in CONFIGURATIONS.items():
        (folder / "configs" / f"{name}.json").write_text(json.dumps(configuration))
    open_clip.add_model_config(folder / "configs")
    write_tokenizer(folder / "tokenizer.json")
    models = {}
    for name in CONFIGURATIONS:
        torch.manual_seed(5)
        models[name] = open_clip.create_model(name).eval()
        torch.save(models[name].state_dict(), folder / f"{name}.bin")
    return folder, models


@pytest.fixture
def tiny(published, monkeypatch):
    """The tiny architectures as rows of the catalogue."""
    model_entry = catalogue.entries()["vit-b-32-laion2b"]
    rows = {}
    for name in CONFIGURATIONS:
        own = {"tokenizer_file": "tokenizer.json", "padding_token": "<pad>"} if "siglip" in name else {}
        rows[name] = dataclasses.replace(
            model_entry,
            name=name,
            architecture=name,
            weight_files=(f"{name}.bin",),
            preprocessing=Preprocessing(32, 32, (0.5, 0.4, 0.3), (0.5, 0.5, 0.6)),
            **own,
        )
    monkeypatch.setattr(catalogue, "entries", lambda: rows)
    monkeypatch.setattr(store, "entries", lambda: rows)
    return published


def write_tokenizer(path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = ["<pad>", "<eos>", "<unk>", *SENTENCE.split(), "bus", "truck"]
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys(words))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    tokenizer.save(str(path))


def quiet(done, total, rate) -> None:
    assert done <= total


def get(name, folder):
    return fetch_model(name, quiet, lambda: False, from_file=folder / f"{name}.bin")


def rgb(seed=0, size=(45, 80)):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", list(CONFIGURATIONS))
def test_vectors_are_open_clips_own(tiny, name) -> None:
    folder, models = tiny
    get(name, folder)
    bundle = load_bundle(name, device="cpu", precision="float32", frames=4)
    assert bundle.spec.label == "zero-shot"
    model, width = models[name], CONFIGURATIONS[name]["embed_dim"]
    prepared = [bundle.prepare(rgb(seed)) for seed in range(4)]
    (raw,) = bundle.encode_frames(prepared)
    images = bundle.towers[0].preprocessing.normalise(torch.cat([p[0] for p in prepared]))
    with torch.no_grad():
        assert torch.allclose(raw, model.encode_image(images), atol=2e-6)
    clips = bundle.pool((raw[None],))
    mean = torch.nn.functional.normalize(torch.nn.functional.normalize(raw, dim=-1).mean(0), dim=-1)
    assert clips.student.shape == (1, width)
    assert torch.allclose(clips.student[0], mean, atol=1e-6)
    assert torch.allclose(clips.frame_weights, torch.full((1, 4), 0.25))
    query = bundle.encode_text(SENTENCE)
    if name == "tiny-siglip":
        ids = torch.tensor([[3, 4, 5, 6, 3, 7, 1, *[0] * 9]])
    else:
        ids = open_clip.SimpleTokenizer(context_length=16)(SENTENCE)
    with torch.no_grad():
        sentence = torch.nn.functional.normalize(model.encode_text(ids), dim=-1)[0]
    assert torch.allclose(query.sentence, sentence, atol=1e-5)
    assert query.word_texts[-1] == "‹end›"
    assert query.words.shape == (len(query.word_texts), width)
    assert bundle.rerank(query, clips.frames, clips.video).parts.shape == (1, 4)
    bundle.selftest()


def test_siglips_tokenizer_reports_cut_words(tiny) -> None:
    folder, _ = tiny
    get("tiny-siglip", folder)
    query = load_bundle("tiny-siglip", device="cpu", precision="float32").encode_text(
        "A red car, " + "bus truck " * 10 + "car"
    )
    assert query.cut_words == (*["bus", "truck"] * 4, "car")  # 16 positions hold 15 words and the end
    assert query.word_texts[:3] == ("a", "red", "car")


def test_what_is_not_there_is_said_with_the_command(tiny, tmp_path) -> None:
    folder, _ = tiny
    with pytest.raises(DrivescopeError, match="drivescope models get tiny-plain") as caught:
        load_bundle("tiny-plain", device="cpu", precision="float32")
    assert caught.value.kind is ErrorKind.OFFLINE
    assert {row.name: row.present for row in available_bundles()}["tiny-plain"] is False
    get("tiny-plain", folder)
    assert {row.name: row.present for row in available_bundles()}["tiny-plain"] is True
    with pytest.raises(DrivescopeError, match="no model 'nothing'"):
        get("nothing", folder)
    with pytest.raises(DrivescopeError, match="no weights file"):
        fetch_model("tiny-plain", quiet, lambda: False, from_file=folder / "nowhere.bin")
    with pytest.raises(Cancelled):
        fetch_model("tiny-plain", quiet, lambda: True, from_file=folder)
    (tmp_path / "notes.bin").write_text("weights: see the other disk")
    with pytest.raises(DrivescopeError, match="not a file of weights"):
        fetch_model("tiny-plain", quiet, lambda: False, from_file=tmp_path / "notes.bin")
    alone = shutil.copy(folder / "tiny-siglip.bin", tmp_path)
    with pytest.raises(DrivescopeError, match="its own tokenizer"):
        fetch_model("tiny-siglip", quiet, lambda: False, from_file=alone)


@pytest.mark.parametrize("name", ["tiny-plain", "tiny-causal"])
def test_other_weights_are_refused(tiny, name) -> None:
    folder, _ = tiny
    get(name, folder)
    other = folder / "tiny-siglip.bin"
    fetch_model(name, quiet, lambda: False, from_file=other)
    with pytest.raises(DrivescopeError, match=r"misses the key|does not hold the weights"):
        load_bundle(name, device="cpu", precision="float32")


def test_loading_listing_and_searching_use_no_network(tiny, bundle_folder, monkeypatch) -> None:
    folder, _ = tiny
    get("tiny-siglip", folder)

    def refuse(*args, **keywords):
        raise AssertionError("a network call")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    assert available_bundles()
    for name in ("tiny-siglip", str(bundle_folder)):
        bundle = load_bundle(name, device="cpu", precision="float32")
        bundle.encode_frames([bundle.prepare(rgb())])
        bundle.encode_text("a red car")
    with pytest.raises(DrivescopeError, match="drivescope models get tiny-plain"):
        load_bundle("tiny-plain", device="cpu", precision="float32")


def test_an_imported_file_may_have_any_name(tiny, tmp_path) -> None:
    _, models = tiny
    for name in ("tiny-causal", "tiny-plain"):
        odd = tmp_path / f"{name}.download"
        save_file({key: value.contiguous() for key, value in models[name].state_dict().items()}, odd)
        assert fetch_model(name, quiet, lambda: False, from_file=odd).weights.name == "weights.safetensors"
        load_bundle(name, device="cpu", precision="float32").selftest()


def test_public_weights_are_held_against_their_first_use(tiny, monkeypatch) -> None:
    folder, _ = tiny
    stored = get("tiny-causal", folder)
    load_bundle("tiny-causal", device="cpu", precision="float32").selftest()
    load_bundle("tiny-causal", device="cpu", precision="float32").selftest()
    rows = catalogue.entries()
    changed = dataclasses.replace(rows["tiny-causal"], preprocessing=Preprocessing(32, 32))
    monkeypatch.setitem(rows, "tiny-causal", changed)
    with pytest.raises(DrivescopeError, match="picture vector is"):
        load_bundle("tiny-causal", device="cpu", precision="float32").selftest()
    (stored.folder / "selftest-center.json").write_text("{")
    with pytest.raises(DrivescopeError, match="not readable JSON"):
        load_bundle("tiny-causal", device="cpu", precision="float32")


def test_the_catalogue_agrees_with_open_clip() -> None:
    rows = catalogue.entries()
    assert len(rows) >= 8
    for entry in rows.values():
        published = get_pretrained_cfg(entry.architecture, entry.tag)
        assert published["hf_hub"].rstrip("/") == entry.repository
        assert (entry.preprocessing.mean, entry.preprocessing.std) == (published["mean"], published["std"])
        assert entry.preprocessing.interpolation == published["interpolation"]
        assert entry.crop == ("squash" if published["resize_mode"] == "squash" else "center")
        configuration = open_clip.get_model_config(entry.architecture)
        size = configuration["vision_cfg"]["image_size"]
        assert (entry.preprocessing.height, entry.preprocessing.width) == (size, size)
        own_tokenizer = "hf_tokenizer_name" in configuration["text_cfg"]
        assert own_tokenizer == bool(entry.tokenizer_file)
        # some tags need QuickGELU even where the architecture's default is GELU
        assert entry.quick_gelu == bool(published.get("quick_gelu") or configuration.get("quick_gelu"))
        assert entry.licence


def test_building_without_randomness_keeps_computed_buffers() -> None:
    entry = catalogue.entries()["mobileclip2-s0"]
    model = build_open_clip(entry.architecture)
    count = sum(parameter.numel() for parameter in model.parameters())
    assert abs(count / 1e6 - entry.parameters_m) < 0.1
    causal = build_open_clip("ViT-B-32").attn_mask
    assert torch.equal(causal, torch.full((77, 77), float("-inf")).triu(1))
    assert plain_dims("ViT-B-32", False) is not None
    assert plain_dims(entry.architecture, False) is None


def test_the_benchmark_times_a_model_against_the_reference(
    tiny, monkeypatch, capsys, tmp_path, bundle_folder
) -> None:
    from core.models import benchmark

    monkeypatch.setattr(benchmark, "entries", catalogue.entries)
    monkeypatch.setattr(benchmark, "REFERENCE", "tiny-plain")
    assert (
        benchmark.main(["tiny-mobile", "--seconds", "0.05", "--threads", "2", "--precision", "float32"]) == 0
    )
    report = json.loads(capsys.readouterr().out)
    assert report["models"]["tiny-mobile"]["ratio"] > 0
    own = shutil.copytree(bundle_folder, tmp_path / "own")
    benchmark.write_bundle_ratio(str(own), 7.891)
    assert json.loads((own / "bundle.json").read_text())["relative_speed"] == 7.89
    load_bundle(str(own), device="cpu", precision="float32").selftest()
    assert benchmark.measure([str(own)], 0.02, 1, "float32")["models"][str(own)]["images_per_second"] > 0
    table = tmp_path / "models.toml"
    table.write_text('[a]\nrelative_speed = 0.0\ntitle = "A"\n\n[b]\nrelative_speed = 0.5\n')
    benchmark.write_ratios(table, {"a": 1.234})
    assert table.read_text() == '[a]\nrelative_speed = 1.23\ntitle = "A"\n\n[b]\nrelative_speed = 0.5\n'


class Letters:
    """Stands in for SigLIP's tokenizer, whose vocabulary is not on every machine."""

    padding_id = 0

    def __call__(self, text, limit):
        ids = tuple(100 + ord(letter) for letter in text[: limit - 1])
        return Tokens((*ids, 1), (*text[: limit - 1], "‹end›"), ())


@pytest.mark.slow
@pytest.mark.parametrize("name", list(catalogue.entries()))
@torch.no_grad()
def test_every_real_architecture_gives_open_clips_own_vectors(name) -> None:
    """Random weights, real sizes: image and text through our towers and through open_clip's own calls."""
    entry = catalogue.entries()[name]
    model = build_open_clip(entry.architecture).eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.normal_(std=0.03, generator=generator)
    dims = plain_dims(entry.architecture, entry.quick_gelu)
    if dims:
        tower = ClipTower(dims, {k: v.detach() for k, v in model.state_dict().items()}, entry.preprocessing)
    else:
        tower = OpenClipTower(model, entry.preprocessing, Letters() if entry.tokenizer_file else None)
    pixels = prepare(rgb(), entry.preprocessing, entry.crop)
    ours, theirs = tower.encode_images(pixels), model.encode_image(entry.preprocessing.normalise(pixels))
    assert torch.nn.functional.cosine_similarity(ours, theirs).item() > 0.99999
    tokenizer = Letters() if entry.tokenizer_file else ClipTokenizer()
    ids = tokenizer(SENTENCE, tower.context).ids
    padded = torch.tensor([[*ids, *[0] * (tower.context - len(ids))]])
    text = tower.encode_text(SENTENCE, tower.context, False)
    cosine = torch.nn.functional.cosine_similarity(text.sentence[None], model.encode_text(padded))
    assert cosine.item() > 0.99999
    assert text.words.shape == (len(ids), tower.dim)
