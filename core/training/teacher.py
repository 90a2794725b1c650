"""Stage A: both towers and X-CLIP, end to end, from pixels and sentences.

One step: some frames of some clips, half of their patches; captions of the clips, made queries and the names of
things; caption contrast on X-CLIP's similarity and on the plain video-sentence cosine, contrast of queries with all
their right answers, and sigmoid losses: which things a patch, a frame and a clip show, in which part of the picture
a frame has them, what is happening at its moment, and from which side. The dense ones are what lets a tower learn from
few clips.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from core.models.backbone import Backbone
from core.models.xclip import XClip
from core.training import augment
from core.training.concepts import make_query, say
from core.training.dataset import (
    ClipSet,
    clips_of_step,
    fits,
    frames_of_step,
    generator_of,
    rng_of,
    same_caption,
)
from core.training.lanes import Lanes, Lap
from core.training.losses import info_nce, presence, query_nce
from core.training.names import KINDS, SCENES, THINGS, Names, columns_of, headed, moments_of
from core.training.recipe import TeacherRecipe
from core.training.sides import (
    mirror_loss,
    mirrored,
    mirrored_words,
    side_loss,
    sided_queries,
    sides_of,
)
from core.training.texts import Texts
from core.training.vision import encode_visible, visible_patches

TEXTS = 32
"""Sentences read at once: of nearly one length, as they are sorted."""


def new_teacher(recipe: TeacherRecipe) -> XClip:
    """X-CLIP with its towers, freshly drawn from the recipe's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        clip = Backbone(recipe.dims)
        teacher = XClip(
            clip,
            width=recipe.dims.embed_dim,
            words=recipe.words,
            frames=recipe.frames,
            temporal_layers=recipe.temporal_layers,
        )
    return teacher


@dataclass(frozen=True)
class Sight:
    """A batch of clips seen: raw frames in all F places (masked where not drawn), patch tokens, labels."""

    frames: Tensor  # (B, F, D) raw; places that were not drawn repeat a neighbour
    mask: Tensor  # (B, F) bool
    drawn: Tensor  # (B, k) frame numbers
    patches: Tensor  # (B*k, K, D) raw
    cells: Tensor  # (B*k, K) bit masks of the kinds in each visible patch
    parts: Tensor  # (B*k, parts, kinds) bool: kinds in each column of the frame


@dataclass(frozen=True)
class Reading:
    """Sentences read: unit sentence (N, D) and word (N, W, D) vectors, mask (N, W) of real words."""

    sentence: Tensor
    words: Tensor
    mask: Tensor


@dataclass(frozen=True)
class Asks:
    """What Q queries ask of B clips. The last S of them name a side and have a mirror image."""

    relevant: Tensor  # (Q, B) bool
    alone: Tensor  # (S, B) bool: the clip fits the query and not its mirror image
    sides: Tensor  # (Q, pairs) float


class TeacherStep:
    """Computes the losses of one step and leaves their gradients in the parameters."""

    def __init__(
        self, teacher: XClip, names: Names, texts: Texts, clips: ClipSet, recipe: TeacherRecipe
    ) -> None:
        assert teacher.clip is not None, "the teacher is trained with its towers"
        self.teacher, self.clip, self.names = teacher, teacher.clip, names
        self.texts, self.clips, self.recipe = texts, clips, recipe
        self.moments = moments_of(clips.truths)
        self.sides = torch.tensor([sides_of(facts) for facts in clips.facts])  # (N, pairs)
        self.name_sides = torch.tensor([sides_of([thing]) for thing in THINGS])  # (things, pairs)
        self.lanes = Lanes(recipe.lanes, recipe.chunk)

    def __call__(self, step: int) -> dict[str, float]:
        """Forward and backward of step number `step`; returns the losses."""
        recipe = self.recipe
        generator, rng = generator_of(recipe.seed, step), rng_of(recipe.seed, step)
        phase = recipe.phase(step)
        chosen = clips_of_step(len(self.clips), phase.clips, recipe.seed, step)
        pixels, drawn, grid = self._look(chosen, phase.frames, generator)
        cells = grid.flatten(1)  # (B*k, patches)
        gain, lift = (
            each.repeat_interleave(phase.frames)[:, None, None, None]
            for each in augment.light(len(chosen), recipe.jitter, generator)
        )  # (B*k, 1, 1, 1)
        visible = visible_patches(cells > 0, phase.patches, generator) if phase.patches < 1 else None

        def encode(images: Tensor, start: int) -> Tensor:
            rows = slice(start, start + len(images))
            lit = images.float() * gain[rows] + lift[rows]
            with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
                seen = None if visible is None else visible[rows]
                return encode_visible(self.clip, recipe.preprocessing.normalise(lit), seen)

        lap = self.lanes.forward(encode, pixels)
        sight = self._sight(lap.features, drawn, grid, visible)
        going_on = self.moments[torch.tensor(chosen)[:, None], drawn]  # (B, k, moments)
        captions = [rng.choice(self.clips.captions[i]) for i in chosen]
        facts = [self.clips.facts[i] for i in chosen]
        queries = [make_query(rng.choice(facts), rng, rare=recipe.rare_words) for _ in range(recipe.queries)]
        names = [say(fact, rng, recipe.rare_words) for fact in THINGS]
        sided = sided_queries(facts, recipe.sided, rng, recipe.rare_words)
        asked, needs = zip(*queries, *sided, strict=True)
        mirrors = [mirrored_words(text) for text, _ in sided]
        said, reading = self._read([*captions, *asked, *mirrors], generator)
        named, naming = self._read(names, generator)  # apart: they are short, and padding costs
        others = [mirrored(need) for _, need in sided]
        asks = Asks(
            relevant=fits(needs, facts),
            alone=fits([need for _, need in sided], facts) & ~fits(others, facts),
            sides=torch.tensor([sides_of(need) for need in needs]),
        )
        losses = self._losses(sight, reading, naming.sentence, same_caption(captions), asks, chosen, going_on)
        total = self._weighted(losses)
        torch.autograd.backward(total)
        self.lanes.backward([lap, said, named])
        return {
            "loss": float(total.detach()),
            **{name: float(loss.detach()) for name, loss in losses.items()},
        }

    def _read(self, sentences: list[str], generator: torch.Generator) -> tuple[Lap, Reading]:
        """Sentences through the text tower, in lanes as well: short ones together, without each other's padding."""
        ids, mask = self.texts.batch(sentences, self.recipe.unknown_words, generator)
        lengths, order = mask.sum(dim=1).sort(stable=True)  # (N,), (N,)
        longest = ids.shape[1]

        def encode(part: Tensor, start: int) -> Tensor:
            width = int(lengths[start + len(part) - 1])
            with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
                words = self.clip.encode_text(part[:, :width])[1].float()  # (n, width, D)
            return functional.pad(
                words, (0, 0, 0, longest - width), value=1.0
            )  # padding is masked; 0 has no length

        lap = self.lanes.forward(encode, ids[order], TEXTS)
        words = functional.normalize(lap.features[order.argsort()], dim=-1)  # (N, W, D)
        return lap, Reading(words[torch.arange(len(ids)), ids.argmax(dim=1)], words, mask)

    def _look(
        self, chosen: list[int], count: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Pixels uint8 (B*k, 3, h, w), which frames (B, k), their cells (B*k, gh, gw)."""
        B, F = len(chosen), self.clips.frames.shape[1]
        drawn = frames_of_step(B, F, count, generator)  # (B, k)
        rows = torch.tensor(chosen)[:, None]
        frames = self.clips.frames[rows, drawn].permute(0, 1, 4, 2, 3)  # (B, k, 3, h, w) uint8
        cells = self.clips.cells[rows, drawn]  # (B, k, gh, gw)
        frames, cells = augment.shift(frames, cells, self.recipe.dims.patch, generator, self.recipe.shift)
        return frames.flatten(0, 1), drawn, cells.flatten(0, 1)

    def _sight(self, features: Tensor, drawn: Tensor, grid: Tensor, visible: Tensor | None) -> Sight:
        """Sort the towers' features (B*k, 1+K, D) into a batch of clips; `grid` (B*k, gh, gw)."""
        B, k = drawn.shape
        places = torch.arange(self.recipe.frames)
        away = (places[None, :, None] - drawn[:, None, :]).abs()  # (B, F, k)
        nearest = away.argmin(dim=-1)  # (B, F)
        vectors = features[:, 0].view(B, k, -1)  # (B, k, D)
        frames = vectors.gather(1, nearest[..., None].expand(-1, -1, vectors.shape[-1]))  # (B, F, D)
        cells = grid.flatten(1)  # (B*k, P)
        seen = cells if visible is None else cells.gather(1, visible)  # (B*k, K)
        return Sight(frames, away.amin(dim=-1) == 0, drawn, features[:, 1:], seen, columns_of(grid))

    def _losses(
        self,
        sight: Sight,
        reading: Reading,
        names: Tensor,
        same: Tensor,
        asks: Asks,
        chosen: list[int],
        going_on: Tensor,
    ) -> dict[str, Tensor]:
        """All losses by name, before their weights. Texts come as captions, queries, mirror images of the last ones."""
        B = len(chosen)
        end = B + len(asks.relevant)
        sided = end - len(asks.alone)
        scale = self.clip.logit_scale.exp()
        temporal = self.teacher.temporal(sight.frames, sight.mask)  # (B, F, D)
        video = self.teacher.mean_pool(temporal, sight.mask).video  # (B, D)
        frames = functional.normalize(sight.frames, dim=-1)  # (B, F, D)
        parts = self.teacher.granularities(
            reading.sentence, reading.words, frames, video, reading.mask, sight.mask
        )
        score = scale * parts.score  # (B + Q + S, B)
        plain = scale * reading.sentence @ video.T  # (B + Q + S, B)
        fine = (
            scale * parts.frame_word
        )  # (B + Q + S, B); alone as well, or it rests on the start token for ever
        facts = [self.clips.facts[i] for i in chosen]
        true = torch.tensor([[thing in have for thing in THINGS] for have in facts])  # (B, things)
        relevant, alone = asks.relevant, asks.alone  # (Q, B), (S, B)
        spoken = torch.cat([reading.sentence[B:end], names])  # (Q + things, D)
        return {
            "captions": info_nce(score[:B], same),
            "video": info_nce(plain[:B], same),
            "queries": query_nce(score[B:end], relevant) + query_nce(plain[B:end], relevant),
            "words": info_nce(fine[:B], same) + query_nce(fine[B:end], relevant),
            "patches": self._patches(sight, names),
            "frames": self._frames(sight, names, true),
            "facts": self._present(2, video @ names.T, true),
            "sides": side_loss(self.names.sides, video, self.sides[chosen])
            + side_loss(self.names.sides, spoken, torch.cat([asks.sides, self.name_sides])),
            "mirrors": mirror_loss(score[sided:end], score[end:], alone)
            + mirror_loss(plain[sided:end], plain[end:], alone),
            "places": headed(
                self.names.places,
                self._drawn(sight.frames, sight),
                sight.parts.flatten(1),
                self.names.places_weight,
            ),
            "moments": headed(
                self.names.moments,
                self._drawn(temporal, sight),
                going_on.flatten(0, 1),
                self.names.moments_weight,
            ),
        }

    def _drawn(self, frames: Tensor, sight: Sight) -> Tensor:
        """Of frames (B, F, D) those that were drawn, unit: (B*k, D)."""
        rows = frames.gather(1, sight.drawn[..., None].expand(-1, -1, frames.shape[-1]))  # (B, k, D)
        return functional.normalize(rows.flatten(0, 1), dim=-1)

    def _patches(self, sight: Sight, names: Tensor) -> Tensor:
        patches = functional.normalize(sight.patches, dim=-1)  # (N, K, D)
        kinds = len(KINDS)
        present = (sight.cells[..., None] & (1 << torch.arange(kinds))) > 0  # (N, K, kinds)
        return self._present(0, patches @ names[:kinds].T, present)

    def _frames(self, sight: Sight, names: Tensor, true: Tensor) -> Tensor:
        """Kinds by what the frame shows, scene facts by the clip's."""
        kinds, end = len(KINDS), len(KINDS) + len(SCENES)
        vectors = self._drawn(sight.frames, sight)  # (B*k, D)
        scene = true[:, kinds:end].repeat_interleave(sight.drawn.shape[1], dim=0)  # (B*k, scenes)
        present = torch.cat([sight.parts.any(dim=1), scene], dim=1)  # (B*k, end)
        return self._present(1, vectors @ names[:end].T, present)

    def _present(self, place: int, cosines: Tensor, present: Tensor) -> Tensor:
        """The sigmoid loss of patches (0), frames (1) or clips (2) for the first of all things."""
        things = cosines.shape[-1]
        bias, weight = self.names.bias[place, :things], self.names.weight[place, :things]
        return presence(cosines, self.names.scale[place], bias, present, weight)

    def _weighted(self, losses: dict[str, Tensor]) -> Tensor:
        r = self.recipe
        return (
            losses["captions"]
            + r.weight_video * losses["video"]
            + r.weight_queries * losses["queries"]
            + r.weight_words * losses["words"]
            + r.weight_patches * losses["patches"]
            + r.weight_frames * losses["frames"]
            + r.weight_facts * losses["facts"]
            + r.weight_sides * losses["sides"]
            + r.weight_mirrors * losses["mirrors"]
            + r.weight_places * losses["places"]
            + r.weight_moments * losses["moments"]
        )
