"""From a checkpoint's bytes to float32 tensors under the CLIP4Clip family's names.

Nothing in a file is ever run: safetensors, `torch.load(weights_only=True)`, and for OpenAI's TorchScript
archives the tensors alone.
"""

from __future__ import annotations

import json
import pickle
import re
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from core.errors import DrivescopeError, ErrorKind
from core.models.files import is_safetensors, read_tensors

Layout = Literal["CLIP4Clip family", "OpenAI CLIP", "Hugging Face CLIP", "mmaction2"]

OPENAI_FACTS = ("input_resolution", "context_length", "vocab_size")
_NEEDS_CLASSES = re.compile(r"global|class|build|instantiate|call", re.IGNORECASE)
WRAPPERS = ("state_dict", "model_state_dict", "model")


@dataclass(frozen=True)
class CheckpointFile:
    """A file's tensors, renamed and widened; `quick_gelu` None when nothing in the file tells."""

    layout: Layout
    tensors: dict[str, Tensor]
    quick_gelu: bool | None


def read_checkpoint(path: Path) -> CheckpointFile:
    """Reads a file by its content, whatever its name ends with."""
    if not path.is_file():
        raise DrivescopeError(ErrorKind.NOT_FOUND, f"There is no checkpoint file {path}.")
    wrapper, found = _unwrap(_read(path), path)
    found = {name.removeprefix("module."): tensor for name, tensor in found.items()}
    layout, quick_gelu = _recognise_layout(found, wrapper, path)
    if layout == "Hugging Face CLIP":
        found = _from_hugging_face(found, path)
    elif layout == "OpenAI CLIP":
        found = {f"clip.{name}": tensor for name, tensor in found.items() if name not in OPENAI_FACTS}
    return CheckpointFile(layout, {name: tensor.float() for name, tensor in found.items()}, quick_gelu)


def _read(path: Path) -> Any:  # noqa: ANN401 - a file may hold anything
    """The file's object, by its first bytes."""
    try:
        if is_safetensors(path):
            return read_tensors(path)
    except PermissionError as error:
        raise DrivescopeError(ErrorKind.NO_PERMISSION, f"{path} may not be read by this user.") from error
    if _is_torchscript(path):
        return _read_torchscript(path)
    try:
        # an open file, because torch would otherwise go by the name's ending
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickle versions; what cannot be read is said below
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if _NEEDS_CLASSES.search(str(error).partition("WeightsUnpickler error:")[2]):
            raise DrivescopeError(
                ErrorKind.BAD_INPUT,
                f"{path} needs Python classes of the program that wrote it, and running those from a file is not "
                "safe. Save the model's state_dict() alone, best as .safetensors, and use that file.",
                detail=str(error),
            ) from error
        raise _not_a_checkpoint(path, error) from error
    except Exception as error:  # over the bytes of another kind of file torch's reader stumbles in any way
        raise _not_a_checkpoint(path, error) from error


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _read_torchscript(path: Path) -> dict[str, Tensor]:
    """OpenAI publishes TorchScript archives; only their parameters are taken."""
    try:
        with warnings.catch_warnings():
            # torch calls TorchScript deprecated; OpenAI's files stay as they are
            warnings.simplefilter("ignore")
            return dict(torch.jit.load(path, map_location="cpu").state_dict())  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError) as error:
        raise _not_a_checkpoint(path, error) from error


def _not_a_checkpoint(path: Path, error: Exception) -> DrivescopeError:
    return DrivescopeError(
        ErrorKind.UNREADABLE,
        f"{path} is not a whole checkpoint file (.bin, .pt, .pth or .safetensors); get it again.",
        detail=str(error),
    )


def _unwrap(content: Any, path: Path) -> tuple[set[str], dict[str, Tensor]]:  # noqa: ANN401
    """The state dict inside, and the names of what lay beside it."""
    beside: set[str] = set()
    for key in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            beside, content = set(content), content[key]
            break
    if not isinstance(content, dict) or not content:
        raise DrivescopeError(ErrorKind.BAD_INPUT, f"{path} holds no state dict of tensors.")
    others = sorted(str(name) for name, value in content.items() if not isinstance(value, Tensor))
    if others:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, f"{path} holds entries that are no tensors: {', '.join(others[:5])}."
        )
    return beside, {str(name): value for name, value in content.items()}


def _recognise_layout(tensors: dict[str, Tensor], beside: set[str], path: Path) -> tuple[Layout, bool | None]:
    """Whose names these are, and the activation where the file or its maker's code decides it."""
    if any("text_model." in name or "vision_model." in name for name in tensors):
        return "Hugging Face CLIP", _hugging_face_activation(path)
    if "clip.visual.conv1.weight" in tensors:
        # mmengine writes {"meta", "state_dict"}; mmaction2's CLIP4Clip averages frames as they are
        bare = all(name.startswith("clip.") for name in tensors)
        return ("mmaction2" if bare and "meta" in beside else "CLIP4Clip family"), True
    if "visual.conv1.weight" in tensors:
        return "OpenAI CLIP", (True if set(OPENAI_FACTS) <= set(tensors) else None)
    raise DrivescopeError(
        ErrorKind.UNREADABLE,
        f"{path} misses the key clip.visual.conv1.weight: it is no checkpoint of CLIP4Clip, X-CLIP, TeachCLIP or "
        "CLIP with a vision transformer.",
    )


def _hugging_face_activation(path: Path) -> bool | None:
    """`hidden_act` of the config.json beside the file, where there is one."""
    try:
        config = json.loads((path.parent / "config.json").read_text(encoding="utf-8"))
        acts = {config[half]["hidden_act"] for half in ("text_config", "vision_config")}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {"quick_gelu": True, "gelu": False}.get(acts.pop()) if len(acts) == 1 else None


_HUGGING_FACE_NAMES = (
    (r"^text_model\.embeddings\.token_embedding\.", "token_embedding."),
    (r"^text_model\.embeddings\.position_embedding\.weight$", "positional_embedding"),
    (r"^text_model\.final_layer_norm\.", "ln_final."),
    (r"^text_model\.encoder\.layers\.", "transformer.resblocks."),
    (r"^vision_model\.embeddings\.class_embedding$", "visual.class_embedding"),
    (r"^vision_model\.embeddings\.position_embedding\.weight$", "visual.positional_embedding"),
    (r"^vision_model\.embeddings\.patch_embedding\.weight$", "visual.conv1.weight"),
    (r"^vision_model\.pre_layrnorm\.", "visual.ln_pre."),  # (sic) the misspelling is in the published keys
    (r"^vision_model\.post_layernorm\.", "visual.ln_post."),
    (r"^vision_model\.encoder\.layers\.", "visual.transformer.resblocks."),
    (r"\.layer_norm1\.", ".ln_1."),
    (r"\.layer_norm2\.", ".ln_2."),
    (r"\.mlp\.fc1\.", ".mlp.c_fc."),
    (r"\.mlp\.fc2\.", ".mlp.c_proj."),
    (r"\.self_attn\.out_proj\.", ".attn.out_proj."),
)


def _from_hugging_face(tensors: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Hugging Face's names to OpenAI's: q, k and v become one matrix, the projections are transposed."""
    tensors = {name.removeprefix("clip."): tensor for name, tensor in tensors.items()}
    renamed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name.endswith("position_ids") or re.search(r"\.self_attn\.[kv]_proj\.", name):
            continue  # indices, and what goes along with q
        if name in ("visual_projection.weight", "text_projection.weight"):
            target = "visual.proj" if name.startswith("visual") else "text_projection"
            renamed[f"clip.{target}"] = tensor.T
            continue
        target = name
        for pattern, replacement in _HUGGING_FACE_NAMES:
            target = re.sub(pattern, replacement, target)
        if ".self_attn.q_proj." in target:
            try:
                tensor = torch.cat(
                    [tensors[name.replace("q_proj", p)] for p in ("q_proj", "k_proj", "v_proj")]
                )
            except KeyError as error:
                raise DrivescopeError(
                    ErrorKind.UNREADABLE, f"{path} misses the key {error.args[0]}."
                ) from error
            target = re.sub(r"\.self_attn\.q_proj\.(weight|bias)$", r".attn.in_proj_\1", target)
        renamed[f"clip.{target}"] = tensor
    return renamed
