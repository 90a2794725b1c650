"""What is dear to make and shared by rooms: the demo library, indexed once a session."""

from pathlib import Path

import pytest

from core import paths


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory) -> Path:
    """A home folder that holds the whole demo library. Who writes into the library works on a copy of the folder."""
    from core.library.demo import open_demo  # here: the many tests that need no model start without torch
    from core.models.registry import load_bundle

    home = tmp_path_factory.mktemp("demo_home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.HOME_ENVIRONMENT, str(home))
        open_demo(load_bundle(device="cpu"), lambda step: None, lambda: False).close()
    return home
