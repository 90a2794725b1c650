"""A toy world for the trainers: a shade for the light, a coloured square for every actor, random but learnable."""

import json

import numpy as np
import torch

from core.models.backbone import ClipDims
from core.training.concepts import facts_of
from core.training.dataset import ClipSet
from core.training.recipe import Phase, TeacherRecipe
from core.world.truth import ACTOR_KINDS, ActorTruth, Box, ClipTruth, Event, FrameTruth

DIMS = ClipDims(
    image_height=16, image_width=32, patch=4, vision_width=64, vision_layers=2, text_width=64,
    text_layers=1, embed_dim=64
)  # fmt: skip
F, GRID = 4, (4, 8)
COLOURS = {"car": (220, 30, 30), "bus": (240, 220, 20), "dog": (120, 60, 10), "pedestrian": (30, 200, 60)}


def toy_recipe(**changes) -> TeacherRecipe:
    values = {
        "dims": DIMS,
        "frames": F,
        "words": 16,
        "temporal_layers": 1,
        "steps": 6,
        "phases": (Phase(0.5, 4, 2, 0.5), Phase(1.0, 4, 4, 1.0)),
        "queries": 4,
        "chunk": 3,
    }
    return TeacherRecipe(**{**values, **changes})


def toy_truth(seed: int) -> ClipTruth:
    rng = np.random.default_rng(seed)
    kinds = list(rng.choice(list(COLOURS), size=2, replace=False))
    actors = tuple(ActorTruth(i, str(kind), "red", "traffic", "left") for i, kind in enumerate(kinds))
    box = [Box(i, 0.1, 0.1, 0.2, 0.2, 1.0, 0.05, 10.0) for i in range(2)]
    frames = tuple(FrameTruth(2.0 * k + 1, 5.0, tuple(box), {}) for k in range(F))
    return ClipTruth(
        seed=seed,
        duration_s=8.0,
        road=str(rng.choice(["city", "highway"])),
        light=str(rng.choice(["day", "night"])),
        weather="clear",
        ego="straight",
        lanes=2,
        events=(Event("oncoming", 1.0, 4.0, 0),),
        actors=actors,
        frames=frames,
    )


def draw(truth: ClipTruth):
    rng = np.random.default_rng(truth.seed + 1000)
    shade = (150 if truth.light == "day" else 25) + (40 if truth.road == "city" else 0)
    frames = np.full((F, 16, 32, 3), shade, np.uint8) + rng.integers(0, 12, (F, 16, 32, 3), np.uint8)
    cells = np.zeros((F, *GRID), np.uint16)
    for actor in truth.actors:
        row, column = int(rng.integers(GRID[0])), int(rng.integers(GRID[1] - F))
        for k in range(F):
            x = column + k
            frames[k, row * 4 : row * 4 + 4, x * 4 : x * 4 + 4] = COLOURS[actor.kind]
            cells[k, row, x] |= 1 << ACTOR_KINDS.index(actor.kind)
    return frames, cells


def caption_of(truth: ClipTruth) -> list[str]:
    who = " and ".join(f"a {actor.kind}" for actor in truth.actors)
    where = "in town" if truth.road == "city" else "on a highway"
    return [f"{who} {where} by {truth.light}", f"{truth.light}, {where}: {who}"]


def write_toy_shards(folder, clips: int, per_shard: int = 8, first_seed: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, clips, per_shard)):
        truths = [toy_truth(first_seed + seed) for seed in range(start, min(clips, start + per_shard))]
        drawn = [draw(truth) for truth in truths]
        np.savez(
            folder / f"shard_{number:05d}.npz",
            frames=np.stack([frames for frames, _ in drawn]),
            cells=np.stack([cells for _, cells in drawn]),
        )
        lines = [
            json.dumps({"seed": t.seed, "truth": t.to_dict(), "captions": caption_of(t)}) for t in truths
        ]
        (folder / f"shard_{number:05d}.jsonl").write_text("\n".join(lines) + "\n")


def toy_clips(clips: int, first_seed: int = 0) -> ClipSet:
    truths = tuple(toy_truth(first_seed + seed) for seed in range(clips))
    drawn = [draw(truth) for truth in truths]
    return ClipSet(
        frames=torch.from_numpy(np.stack([frames for frames, _ in drawn])),
        cells=torch.from_numpy(np.stack([cells for _, cells in drawn]).astype(np.int32)),
        captions=tuple(tuple(caption_of(truth)) for truth in truths),
        truths=truths,
        facts=tuple(facts_of(truth) for truth in truths),
    )
