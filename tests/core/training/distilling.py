"""Distilling in a test: a run of a few steps."""

from core.training import distill
from tests.core.training.captioned_library import captions_for


def make(library, bundle, tmp_path, out="made", **options):
    """Distils into `out`; returns what the command tells. `options` are those of `distill.Request`, and `told`."""
    told = options.pop("told", lambda line, done, total: None)
    captions = options.pop("captions", None) or captions_for(tmp_path / "captions.csv")
    request = distill.Request(captions, str(tmp_path / out), device="cpu", **{"steps": 4, **options})
    return distill.distill(library, bundle, request, told=told)
