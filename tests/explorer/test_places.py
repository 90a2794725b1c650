"""Where the window keeps its settings, its log and the libraries that it founds."""

from pathlib import Path

import pytest

from core import paths
from explorer import places
from explorer.logs import log_file
from explorer.session import _library_place
from explorer.settings import Settings


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv(places.HOME_ENVIRONMENT, str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_home_of_its_own_holds_everything(home, qapp):
    settings = Settings()
    settings.set("look/theme", "light")
    settings.save()
    assert [path.relative_to(home).as_posix() for path in home.rglob("*.ini")] == ["config/explorer.ini"]
    assert Settings().text("look/theme") == "light"
    assert log_file() == home / "data" / "explorer.log"
    assert _library_place(Path("/footage/night drives")) == home / "data" / "libraries" / "night drives"


def test_the_window_and_the_command_line_mean_the_same_home(home):
    assert paths.HOME_ENVIRONMENT == places.HOME_ENVIRONMENT
    assert places.data_folder() == paths.data_folder()


def test_without_it_the_platform_decides(qapp, monkeypatch, tmp_path):
    Settings().set("look/theme", "light")
    monkeypatch.setenv(places.HOME_ENVIRONMENT, str(tmp_path / "home"))
    assert Settings().text("look/theme") == "dark"  # another home, other settings
    monkeypatch.setenv(places.HOME_ENVIRONMENT, "")
    assert Settings().text("look/theme") == "light"
    assert not (tmp_path / "home").exists()
