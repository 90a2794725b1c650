"""From shards to bundle and table by the one command, and again without doing anything twice."""

import dataclasses
import json

from core.models.registry import load_bundle
from core.training import reproduce
from core.training.recipe import HeadRecipe, StudentRecipe
from tests.core.training.toy import toy_recipe, write_toy_shards


def test_the_command_makes_what_is_missing_and_nothing_twice(tmp_path, monkeypatch, capsys):
    rendered, heard = [], {}

    def make_dataset(folder, clips, seed, workers, *, even, rare):
        rendered.append((folder.name, clips, even))
        heard[folder.name] = rare
        if not folder.exists():
            write_toy_shards(folder, clips, first_seed=seed)

    monkeypatch.setattr(reproduce, "make_dataset", make_dataset)
    size = dataclasses.replace(
        reproduce.QUICK,
        teacher=toy_recipe(steps=2, words=24),
        heads=HeadRecipe(steps=2, batch=6),
        students=StudentRecipe(steps=2, batch=6),
        seeds=1,
    )
    monkeypatch.setattr(reproduce, "QUICK", size)
    arguments = ["--work", str(tmp_path / "work"), "--out", str(tmp_path / "bundle"), "--quick"]
    assert reproduce.main(arguments) == 0
    assert [name for name, _, _ in rendered] == ["val", "test", "train", "even"]
    assert rendered[3][2]
    assert {name for name, rare in heard.items() if rare > 0} == {"train", "even"}
    said = capsys.readouterr().out
    assert "student, taught" in said
    assert "teacher:" in said
    times = json.loads((tmp_path / "work" / "times.json").read_text())
    assert set(times) == {"world", "teacher", "students and table"}
    bundle = load_bundle(str(tmp_path / "bundle"), device="cpu", precision="float32")
    bundle.selftest()
    before = (tmp_path / "work" / "teacher" / "checkpoint.pt").read_bytes()
    weights = (tmp_path / "bundle" / "student.safetensors").read_bytes()
    assert reproduce.main(arguments) == 0
    assert (tmp_path / "work" / "teacher" / "checkpoint.pt").read_bytes() == before
    assert (tmp_path / "bundle" / "student.safetensors").read_bytes() == weights


def test_full_and_quick_differ_in_size_only():
    assert [part.name for part in reproduce.FULL.parts] == [part.name for part in reproduce.QUICK.parts]
    assert [part.seed for part in reproduce.FULL.parts] == [part.seed for part in reproduce.QUICK.parts]
    assert (
        sum(part.clips for part in reproduce.QUICK.parts) < 100 < sum(p.clips for p in reproduce.FULL.parts)
    )


def test_missing_word_vectors_are_said_before_anything_is_made(tmp_path, capsys):
    options = [
        "--work",
        str(tmp_path / "w"),
        "--out",
        str(tmp_path / "o"),
        "--words",
        str(tmp_path / "none.npz"),
    ]
    assert reproduce.main(options) == 2
    assert "none.npz" in capsys.readouterr().err
    assert not (tmp_path / "w").exists()
