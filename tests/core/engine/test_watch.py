"""A library that another process changes while a window has it open: the engine says so without being asked."""

import shutil
import sqlite3
import time

from core import protocol
from core.engine import server as transport
from core.library.library import Library
from core.models.bundle_io import random_bundle
from core.models.registry import load_bundle
from tests.core.engine.test_session import client
from tests.core.search.test_pipeline import add_clips


def build(folder, bundle, video, clips):
    library = Library.create(folder, bundle.spec)
    add_clips(library, bundle, video, clips, seed=1)
    library.close()


def names_after_a_push(window):
    """The library's videos, asked for as soon as the engine says that it changed."""
    while not isinstance(protocol.decode_reply(window.connection.recv()), protocol.LibraryChanged):
        pass
    (reply,) = window.ask(protocol.GetLibrary)
    if isinstance(reply, protocol.Failed):  # in the middle of the building; there is more to come
        return names_after_a_push(window)
    return [video.name for video in reply.library.videos], reply.library.build


def test_growth_and_a_library_built_anew_in_its_place_are_told(server, tmp_path, monkeypatch):
    monkeypatch.setattr(transport, "LOOK_SECONDS", 0.05)
    bundle = load_bundle(str(random_bundle(tmp_path / "bundle")), device="cpu", precision="float32")
    folder = tmp_path / "library"
    build(folder, bundle, "/drive/old.mp4", 3)
    with client(server) as window:
        (opened,) = window.ask(protocol.OpenLibrary, path=str(folder))
        assert [video.name for video in opened.library.videos] == ["old.mp4"]
        library = Library.open(folder)
        add_clips(library, bundle, "/drive/more.mp4", 2, seed=2)
        library.close()
        assert names_after_a_push(window) == (["more.mp4", "old.mp4"], opened.library.build)
        shutil.rmtree(folder)
        build(folder, bundle, "/drive/new.mp4", 4)
        found = names_after_a_push(window)
        while found[0] != ["new.mp4"]:  # seen between its making and its first commit
            found = names_after_a_push(window)
        assert found[1] != opened.library.build


def test_a_look_that_fails_ends_nothing(server, tmp_path, monkeypatch):
    monkeypatch.setattr(transport, "LOOK_SECONDS", 0.05)
    bundle = load_bundle(str(random_bundle(tmp_path / "bundle")), device="cpu", precision="float32")
    folder = tmp_path / "library"
    build(folder, bundle, "/drive/old.mp4", 3)
    looks = []
    on_disk = Library.on_disk.fget

    def failing(library):
        looks.append(library)
        if len(looks) == 2:  # the first one is that of the opening
            raise sqlite3.ProgrammingError("Cannot operate on a closed database.")
        return on_disk(library)

    monkeypatch.setattr(Library, "on_disk", property(failing))
    with client(server) as window:
        (opened,) = window.ask(protocol.OpenLibrary, path=str(folder))
        deadline = time.monotonic() + 120
        while len(looks) < 3:  # it looks again after the one that failed
            assert time.monotonic() < deadline
            time.sleep(0.02)
        library = Library.open(folder)
        add_clips(library, bundle, "/drive/more.mp4", 2, seed=2)
        library.close()
        assert names_after_a_push(window) == (["more.mp4", "old.mp4"], opened.library.build)


def test_a_library_tells_its_states_apart_without_being_read(tmp_path):
    bundle = load_bundle(str(random_bundle(tmp_path / "bundle")), device="cpu", precision="float32")
    folder = tmp_path / "library"
    build(folder, bundle, "/drive/old.mp4", 3)
    library = Library.open(folder)
    before = library.on_disk
    assert library.on_disk == before != ()
    other = Library.open(folder)
    add_clips(other, bundle, "/drive/more.mp4", 1, seed=2)
    other.close()
    grown = library.on_disk
    shutil.rmtree(folder)
    assert library.on_disk == ()
    build(folder, bundle, "/drive/old.mp4", 3)
    assert len({before, grown, library.on_disk}) == 3
    library.close()
