"""Any public CLIP that open_clip knows, without trained heads: "zero-shot".

The first stage is the mean of unit frame vectors, the reranker X-CLIP with identity matrices over the same
towers. CLIPs of OpenAI's form run as a `ClipTower`; every other architecture (SigLIP, MobileCLIP, PE ...) runs
through open_clip's own modules.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch.overrides import TorchFunctionMode

from core.errors import DrivescopeError, ErrorKind
from core.models import selftest
from core.models.backbone import ClipDims
from core.models.bundle import BundleSpec, ModelBundle
from core.models.catalogue import ModelEntry
from core.models.checkpoints import DEFAULT_FRAMES, open_checkpoint
from core.models.clip4clip import Clip4Clip
from core.models.device import Precision
from core.models.files import read_json, write_json
from core.models.open_clip_tower import OpenClipTower
from core.models.preprocess import Crop
from core.models.store import StoredModel
from core.models.tokens import JsonTokenizer, Tokenizer
from core.models.towers import ClipTower, Tower
from core.models.xclip import XClip

LABEL: Final = "zero-shot"
_PLAIN_VISION: Final = {"image_size", "layers", "width", "patch_size", "head_width"}
_PLAIN_TEXT: Final = {"context_length", "vocab_size", "width", "heads", "layers"}
_RANDOM_FILLS: Final = {
    "normal_",
    "uniform_",
    "trunc_normal_",
    "kaiming_uniform_",
    "xavier_uniform_",
    "erfinv_",
}


def open_zero_shot(
    entry: ModelEntry,
    stored: StoredModel,
    device: torch.device,
    precision: Precision,
    crop: Crop | None,
    frames: int | None,
) -> ModelBundle:
    """Towers from the store with identity heads."""
    tower = _tower(entry, stored)
    used_frames = frames or DEFAULT_FRAMES
    spec = BundleSpec(
        name=entry.name,
        title=entry.title,
        label=LABEL,
        crop=crop or entry.crop,
        frames=used_frames,
        student_dim=tower.dim,
        reranker_dim=tower.dim,
        quick_gelu=entry.quick_gelu,
        weights_sha256=(stored.weights_sha256,),
        context_words=tower.context,
        synthetic=False,
        preprocessing=(tower.preprocessing,),
        note=entry.note,
    )
    bundle = zero_shot_bundle(spec, tower, device, precision)
    bundle.expected = _remembered(stored, bundle)
    return bundle


def _remembered(stored: StoredModel, bundle: ModelBundle) -> selftest.Stored | None:
    """The self-test vectors of these weights' first use on this machine; written at that first use.

    Public weights come without known vectors. What this can catch is a change since: another open_clip, another
    preprocessing in models.toml, a damaged file of the right size.
    """
    path = stored.folder / f"selftest-{bundle.spec.crop}.json"
    try:
        vectors: selftest.Stored = read_json(path)
        return vectors
    except DrivescopeError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
    try:
        write_json(path, bundle.selftest_vectors())
    except DrivescopeError:
        return None  # a store that cannot be written is no reason not to search
    return None


def zero_shot_bundle(
    spec: BundleSpec, tower: Tower, device: torch.device, precision: Precision
) -> ModelBundle:
    """A bundle of one tower and no trained heads."""
    return ModelBundle(
        spec=spec,
        towers=(tower,),
        student=Clip4Clip(None, width=tower.dim, header="meanP"),
        reranker=XClip(None, width=tower.dim, words=tower.context, frames=spec.frames, header="meanP"),
        device=device,
        precision=precision,
    )


def plain_dims(architecture: str, quick_gelu: bool) -> ClipDims | None:
    """The dimensions of an OpenAI-form CLIP, or None when the architecture is anything else."""
    config = configuration(architecture)
    vision, text = config["vision_cfg"], config["text_cfg"]
    if config.get("custom_text") or set(vision) - _PLAIN_VISION or set(text) - _PLAIN_TEXT:
        return None
    if vision.get("head_width", 64) != 64 or text["heads"] * 64 != text["width"]:
        return None
    return ClipDims(
        image_height=vision["image_size"],
        image_width=vision["image_size"],
        patch=vision["patch_size"],
        vision_width=vision["width"],
        vision_layers=vision["layers"],
        text_width=text["width"],
        text_layers=text["layers"],
        embed_dim=config["embed_dim"],
        context=text["context_length"],
        vocabulary=text["vocab_size"],
        quick_gelu=quick_gelu,
    )


def configuration(architecture: str) -> dict[str, Any]:
    """open_clip's description of an architecture."""
    import open_clip

    config: dict[str, Any] | None = open_clip.get_model_config(architecture)
    if config is None:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, f"The installed open_clip does not know the architecture {architecture}."
        )
    return config


class WithoutRandomness(TorchFunctionMode):
    """Modules built under this mode keep whatever memory they got: a file is about to replace it.

    Unlike the meta device this leaves computed buffers (position tables, masks) as they should be.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        """Random fills return their tensor untouched."""
        if getattr(func, "__name__", "") in _RANDOM_FILLS:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def build_open_clip(architecture: str) -> Any:  # noqa: ANN401 - open_clip has no types
    """An open_clip model without weights worth the name, in a fraction of the usual time."""
    import open_clip

    config = dict(configuration(architecture))
    kind = open_clip.CustomTextCLIP if config.pop("custom_text", False) else open_clip.CLIP
    with WithoutRandomness():
        return kind(**config)


def _tower(entry: ModelEntry, stored: StoredModel) -> Tower:
    dims = plain_dims(entry.architecture, entry.quick_gelu)
    if dims is None:
        model = build_open_clip(entry.architecture)
        _load(model, entry, stored)
        return OpenClipTower(model, entry.preprocessing, tokenizer_for(entry, stored, model))
    checkpoint = open_checkpoint(stored.weights, dims.quick_gelu)
    if checkpoint.dims != dims:
        raise _another_model(entry, stored)
    return ClipTower(dims, checkpoint.parts()[1], entry.preprocessing)


def tokenizer_for(entry: ModelEntry, stored: StoredModel, model: Any) -> Tokenizer | None:  # noqa: ANN401
    """The entry's own tokenizer, or None for CLIP's, which is made when it is needed."""
    if stored.tokenizer is None:
        return None
    context = int(model.text.context_length)
    return JsonTokenizer(stored.tokenizer, context, entry.padding_token)


def _load(model: Any, entry: ModelEntry, stored: StoredModel) -> None:  # noqa: ANN401
    """open_clip's own strict loader: it knows how each family names its tensors."""
    from open_clip.factory import load_checkpoint

    try:
        load_checkpoint(model, str(stored.weights), strict=True, weights_only=True)
    except Exception as error:  # many kinds, one meaning
        raise _another_model(entry, stored, str(error)) from error


def _another_model(entry: ModelEntry, stored: StoredModel, detail: str = "") -> DrivescopeError:
    return DrivescopeError(
        ErrorKind.UNREADABLE,
        f"{stored.weights} does not hold the weights of {entry.title}; remove {stored.folder} and run "
        f"`drivescope models get {entry.name}` again.",
        detail=detail,
    )
