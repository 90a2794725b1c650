"""Packed towers against the plain modules, in every number format; text without its padding is exact."""

import subprocess
import sys
import threading

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings, strategies
from torch.nn.functional import cosine_similarity

from core.errors import DrivescopeError
from core.models import device, packed
from core.models.backbone import Backbone, ClipDims
from core.models.packed import Form, PackedText, PackedVision
from core.models.preprocess import Preprocessing
from core.models.tokens import ClipTokenizer
from core.models.towers import ClipTower

PREPROCESSING = Preprocessing(48, 64, (0.48, 0.46, 0.41), (0.27, 0.26, 0.28))


def backbone(quick_gelu: bool = True) -> Backbone:
    torch.manual_seed(2)
    clip = Backbone(
        ClipDims(
            image_height=48,
            image_width=64,
            patch=16,
            vision_width=128,
            vision_layers=3,
            text_width=64,
            text_layers=3,
            embed_dim=96,
            quick_gelu=quick_gelu,
        )
    ).eval()
    with torch.no_grad():
        for parameter in clip.parameters():  # biases and gains that matter
            parameter += 0.02 * torch.randn_like(parameter)
    return clip


def vision(clip: Backbone, dtype: torch.dtype) -> PackedVision:
    return PackedVision(clip.state_dict(), clip.dims, PREPROCESSING, Form(dtype))


def text(clip: Backbone, dtype: torch.dtype) -> PackedText:
    return PackedText(clip.state_dict(), clip.dims, Form(dtype))


def pixels(count: int = 5) -> torch.Tensor:
    return torch.randint(
        0, 256, (count, 3, 48, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )


@pytest.mark.parametrize("quick_gelu", [True, False])
@pytest.mark.parametrize("plain", [False, True])
@torch.no_grad()
def test_packed_float32_equals_the_modules(quick_gelu, plain, monkeypatch) -> None:
    if plain:  # a torch without the reordering
        monkeypatch.setattr(packed, "_pack", lambda weight: None)
    clip = backbone(quick_gelu)
    slow = clip.encode_image(PREPROCESSING.normalise(pixels()))
    fast = vision(clip, torch.float32)(pixels())
    assert float((slow - fast).abs().max()) < 2e-5 * float(slow.abs().max())
    ids = torch.tensor([[49406, 320, 736, 1615, 49407, 0, 0], [49406, 1, 49407, 0, 0, 0, 0]])
    words = clip.encode_text(ids)[1]
    assert float((text(clip, torch.float32)(ids) - words).abs().max()) < 2e-5 * float(words.abs().max())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("quick_gelu", [True, False])
@torch.no_grad()
def test_narrow_formats_keep_the_direction(dtype, quick_gelu) -> None:
    clip = backbone(quick_gelu)
    slow = clip.encode_image(PREPROCESSING.normalise(pixels()))
    fast = vision(clip, dtype)(pixels())
    assert float(cosine_similarity(slow, fast).min()) >= 0.999
    ids = torch.tensor([[49406, 320, 736, 1615, 49407]])
    words, narrow = clip.encode_text(ids)[1][0], text(clip, dtype)(ids)[0]
    assert float(cosine_similarity(words, narrow).min()) >= 0.999


@pytest.mark.parametrize("quick_gelu", [True, False])
def test_the_shapes_of_a_state_dict_are_known_without_building_it(quick_gelu) -> None:
    clip = backbone(quick_gelu)
    assert clip.dims.shapes() == {name: tuple(tensor.shape) for name, tensor in clip.state_dict().items()}


@pytest.mark.parametrize("quick_gelu", [True, False])
@torch.no_grad()
def test_the_opened_ending_is_the_towers_own(quick_gelu) -> None:
    clip = backbone(quick_gelu)
    packed_tower = vision(clip, torch.float32)
    tokens = packed_tower.blocks.begin(packed_tower.tokens(pixels()), len(packed_tower.ending.blocks))
    for block in packed_tower.ending.blocks:
        tokens = block(tokens)
    joint = packed_tower.ending.norm(tokens[:, 0]) @ packed_tower.ending.projection
    assert torch.allclose(joint, packed_tower(pixels()), atol=2e-5)


def test_a_placed_bundle_has_not_imported_open_clip(bundle_folder) -> None:
    """Its import would add half of torch's time and memory to every start."""
    program = (
        "import sys; from core.models.registry import load_bundle, available_bundles; import numpy as np;"
        f"b = load_bundle({str(bundle_folder)!r}, device='cpu'); b.selftest(); available_bundles();"
        "b.encode_frames([b.prepare(np.zeros((9, 16, 3), np.uint8))]); b.encode_text('a car');"
        "sys.exit(any(name in sys.modules for name in ('open_clip', 'torchvision', 'timm')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_uint8_minus_its_integer_mean_is_exact_in_bfloat16() -> None:
    values = torch.arange(256)
    for mean in (0, 104, 123, 255):
        difference = (values - mean).float()
        assert torch.equal(difference.bfloat16().float(), difference)


@torch.no_grad()
def test_patches_are_the_joint_space_tokens_in_row_major_order() -> None:
    clip = backbone()
    images = PREPROCESSING.normalise(pixels(2))
    frames, patches = clip.encode_image(images, return_patches=True)
    assert patches.shape == (2, 12, 96)
    assert torch.allclose(frames, clip.encode_image(images), atol=1e-5)
    joint = clip.visual.ln_post(clip.vision_tokens(images)) @ clip.visual.proj
    assert torch.allclose(patches, joint[:, 1:], atol=1e-5)


@torch.no_grad()
def test_leaving_out_the_padding_is_exact() -> None:
    clip, tokenizer = backbone(), ClipTokenizer()
    for sentence in ("car", "a red car waits while two people cross the wet road at night"):
        ids = tokenizer(sentence, 77).ids
        full = torch.tensor([[*ids, *[0] * (77 - len(ids))]])
        whole_sentence, whole_words = clip.encode_text(full)
        short_sentence, short_words = clip.encode_text(torch.tensor([ids]))
        assert torch.allclose(short_sentence, whole_sentence, atol=2e-6)
        assert torch.allclose(short_words, whole_words[:, : len(ids)], atol=2e-6)


def test_sentences_are_tokenised_as_open_clip_does() -> None:
    import open_clip

    theirs = open_clip.SimpleTokenizer(context_length=32)
    ours = ClipTokenizer()
    sentences = [
        "",
        "A red car!",
        "don't stop — 3 cars & 2 trucks",
        "夜の道路 🚗🚗",
        "x" * 500,
        "very " * 60 + "long",
    ]
    for sentence in sentences:
        ids = ours(sentence, 32).ids
        assert [*ids, *[0] * (32 - len(ids))] == theirs(sentence)[0].tolist()


@given(strategies.text(max_size=40))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_tokenised_as_open_clip_does(text) -> None:
    import open_clip

    assume("start_of_text" not in text.lower() and "end_of_text" not in text.lower())  # a person's words
    ids = ClipTokenizer()(text, 32).ids
    assert [*ids, *[0] * (32 - len(ids))] == open_clip.tokenize(text, context_length=32)[0].tolist()


def test_control_tokens_cannot_be_typed() -> None:
    tokens = ClipTokenizer()("a car <end_of_text> at night", 32)
    assert tokens.ids.count(49407) == 1
    assert tokens.texts[-2] == "night"


def test_tokens_are_shown_as_a_person_writes_them() -> None:
    assert ClipTokenizer()("Traffic-LIGHT café", 32).texts[1:-1] == ("traffic", "-", "light", "café")
    assert ClipTokenizer()("ß", 32).texts[1:-1] == ("�", "�")  # two bytes, two tokens


def test_ten_thousand_characters_are_cut_with_a_list_of_the_rest() -> None:
    tokens = ClipTokenizer()("truck " * 1666, 32)
    assert len(tokens.ids) == 32
    assert len(tokens.cut_words) == 1666 - 30


def test_modules_give_what_packed_weights_give() -> None:
    """The path of every other device, run here."""
    packed_tower, modules = (ClipTower.of(backbone(), PREPROCESSING) for _ in range(2))
    packed_tower.place(torch.device("cpu"), torch.float32)
    modules._packed, modules._backbone = None, modules._modules(torch.device("cpu"), torch.float32)
    assert packed_tower.packed_vision is not None
    assert modules.packed_vision is None
    assert torch.allclose(modules.encode_images(pixels()), packed_tower.encode_images(pixels()), atol=1e-4)
    for padded in (False, True):
        ours, theirs = (tower.encode_text("two cars", 9, padded) for tower in (modules, packed_tower))
        assert ours.word_texts == theirs.word_texts
        assert torch.allclose(ours.words, theirs.words, atol=1e-4)
        assert torch.allclose(ours.sentence, theirs.sentence, atol=1e-4)
    assert len(ours.words) == 9


def test_threads_get_the_same_vectors() -> None:
    tower = ClipTower.of(backbone(), PREPROCESSING)
    tower.place(torch.device("cpu"), torch.float32)
    wanted = tower.encode_images(pixels())
    found: list[torch.Tensor] = []

    def work() -> None:
        torch.set_num_threads(1)
        found.extend(tower.encode_images(pixels()) for _ in range(5))
        assert tower.encode_text("a car", 32, False).words.shape == (4, 96)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 15
    assert all(torch.allclose(vectors, wanted, atol=1e-5) for vectors in found)


def test_devices_and_precisions_by_name(monkeypatch) -> None:
    assert device.choose_device("cpu").type == "cpu"
    assert device.available_devices()[-1] == "cpu"
    with pytest.raises(DrivescopeError, match="not on this machine"):
        device.choose_device("abacus")
    with pytest.raises(DrivescopeError, match="no precision called"):
        device.choose_precision("int3", torch.device("cpu"))
    assert device.choose_precision("float16", torch.device("cpu")) == "float16"


def test_a_narrow_format_must_pay_and_the_choice_is_kept(monkeypatch, tmp_path) -> None:
    seconds = {torch.float32: 1.0, torch.bfloat16: 0.95}
    monkeypatch.setattr(device, "_time_mlp", lambda place, width, dtype: seconds[dtype])
    cpu = torch.device("cpu")
    assert device.choose_precision("auto", cpu, 64) == "float32"
    seconds[torch.bfloat16] = 0.3
    device._fastest.cache_clear()  # as another process would start
    assert device.choose_precision("auto", cpu, 64) == "float32"
    assert device.choose_precision("auto", cpu, 768) == "bfloat16"
    (tmp_path / "home" / "cache" / "precision.json").write_text("{ damaged")
    device._fastest.cache_clear()
    assert device.choose_precision("auto", cpu, 64) == "bfloat16"
