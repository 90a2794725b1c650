"""How commands come by what they work on: a bundle, a library, a searcher of both."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from core import paths
from core.errors import DrivescopeError, ErrorKind
from core.terminal import ProgressLine

if TYPE_CHECKING:
    from core.library.library import Library
    from core.models.bundle import ModelBundle
    from core.search.pipeline import Searcher


def load(options: argparse.Namespace, name: str, crop: str) -> ModelBundle:
    """A bundle on the device that the options name; the default one without a name."""
    from core.models.registry import DEFAULT_BUNDLE, load_bundle

    return load_bundle(name or DEFAULT_BUNDLE, device=options.device, crop=crop or None)


def open_library(options: argparse.Namespace) -> tuple[Library, ModelBundle]:
    """The library that `--library` names, and its bundle; the demo library is built at its first use."""
    from core.library.library import Library

    if options.library == paths.DEMO_NAME:
        from core.library.demo import open_demo
        from core.models.registry import DEFAULT_BUNDLE

        bundle = load(options, "", "")
        wanted = (getattr(options, "bundle", ""), getattr(options, "crop", ""))
        if wanted[0] not in ("", DEFAULT_BUNDLE) or wanted[1] not in ("", bundle.spec.crop):
            sentence = "The demo library is searched with the shipped bundle only: index footage of your own."
            raise DrivescopeError(ErrorKind.BAD_INPUT, sentence)
        show = ProgressLine("Building the demo library")
        library = open_demo(bundle, show, lambda: False)
        show.end()
        return library, bundle
    library = Library.open(paths.library_folder(options.library))
    try:
        name = getattr(options, "bundle", "") or library.made_with.reference
        return library, load(options, name, getattr(options, "crop", "") or library.made_with.crop)
    except BaseException:
        library.close()
        raise


@contextlib.contextmanager
def open_searcher(options: argparse.Namespace) -> Iterator[Searcher]:
    """The searcher of the library that `--library` names, its bundle having passed its self-test."""
    from core.search.pipeline import Searcher

    library, bundle = open_library(options)
    with contextlib.closing(library):
        bundle.selftest()
        yield Searcher(library, bundle)
