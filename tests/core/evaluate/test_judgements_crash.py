"""Whoever is killed while writing judgements loses none that was said, and leaves none that is half written.

A process is started that forks one writer after the other on the same file and kills each with SIGKILL: at every few
steps of SQLite's own machine inside the first judgements, then at random moments, in the middle of a commit among them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROUNDS_AT_RANDOM = 40
STEPS = range(1, 160, 5)
NURSERY = f"""
import itertools, json, os, random, signal, sys, time
from contextlib import closing
from pathlib import Path
from core.evaluate.judgements import Judgements, Verdict

folder, dice = Path(sys.argv[1]), random.Random(0)
note = lambda number: f"{{number}} " * 800  # longer than a page of the file

def write(out, first, step):
    with closing(Judgements(folder)) as store:
        if step:
            left = itertools.count(step - 1, -1)
            die = lambda: os.kill(os.getpid(), signal.SIGKILL)
            store._db.set_progress_handler(lambda: 0 if next(left) else die(), 1)
        for number in itertools.count(first):
            query = f"query {{number % 3}}"
            store.judge(query, number, Verdict.PARTLY, author="ann", tags=("count",), note=note(number))
            os.write(out, b"%d\\n" % number)  # this is when it was said

told = {{"rounds": 0, "said": 0, "unsaid": 0}}
known = 0
for step in [*{list(STEPS)!r}, *[0] * {ROUNDS_AT_RANDOM}]:
    inlet, out = os.pipe()
    child = os.fork()
    if not child:
        os.close(inlet)
        write(out, known, step)
        os._exit(3)  # never: it writes until it is killed
    os.close(out)
    with os.fdopen(inlet, "rb") as said:
        if not step:
            said.readline()
            known += 1
            told["said"] += 1
            time.sleep(dice.uniform(0, 0.02))
            os.kill(child, signal.SIGKILL)
        lines = said.read().split()
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, status
    known += len(lines)
    told["said"] += len(lines)
    with closing(Judgements(folder)) as store:
        assert store._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        held = {{one.clip_id: one for one in store.current()}}
    assert set(held) >= set(range(known)), f"lost {{set(range(known)) - set(held)}}"
    assert len(held) <= known + 1  # written, and killed before it could say so
    told["unsaid"] += len(held) - known
    known = len(held)
    for number, one in held.items():
        assert (one.query, one.verdict, one.author) == (f"query {{number % 3}}", "partly", "ann")
        assert (one.tags, one.note) == (("count",), note(number))
    told["rounds"] += 1
print(json.dumps(told))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_nothing_said_is_lost_and_nothing_is_half_written(tmp_path):
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", NURSERY, str(tmp_path)], capture_output=True, text=True, cwd=root, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["rounds"] == len(STEPS) + ROUNDS_AT_RANDOM
    assert told["said"] >= ROUNDS_AT_RANDOM  # the random ones were killed at work
    assert not list(tmp_path.glob("*.partial"))
