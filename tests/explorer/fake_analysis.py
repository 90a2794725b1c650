"""Made-up evaluations for the fake engine: a few query sets, runs with as many queries as a test wants."""

import array
import random

from core import protocol
from core.protocol import (
    ColumnInfo,
    Compared,
    DifferenceInfo,
    Evidence,
    Hit,
    JudgementInfo,
    MetricValue,
    QueriesPreview,
    QueryOutcome,
    QuerySetInfo,
    QuerySets,
    RankedClip,
    RejectedRowInfo,
    RunInfo,
    RunOpened,
    RunRows,
    Runs,
    SampleRow,
    SliceInfo,
    Slices,
    SpanMatch,
)

WHO = (
    "a pedestrian",
    "a cyclist",
    "a red car",
    "a bus",
    "a white van",
    "two children",
    "a truck",
    "an ambulance",
)
WHAT = ("crosses from the left", "turns left", "brakes ahead", "cuts in from the right", "waits at a red light",
        "overtakes us", "stands at the kerb")  # fmt: skip
WHEN = ("at night", "in the rain", "on a country road", "in the city", "at dusk", "in fog", "")
PART = 4000


class FakeAnalysis:
    """What the fake engine knows of evaluations. `queries` may be set before a run is opened."""

    def __init__(self) -> None:
        self.queries = 180
        self.sets = [
            QuerySetInfo("set-1", "Demo queries", "CSV", 18, SpanMatch(), "2026-11-21T06:40:00+00:00"),
            QuerySetInfo("set-2", "Demo captions", "CSV", 180, SpanMatch(), "2026-11-21T06:40:00+00:00"),
        ]
        self.runs: list[RunInfo] = []
        self.actions: list[tuple[JudgementInfo, bool]] = []  # judgement, undone
        self.chosen: list[str] = []
        self.elsewhere: dict[str, list[RunInfo]] = {}  # runs of other libraries, by folder
        self.refuse = ""  # the sentence that a preview is refused with

    def add_run(
        self, run_id: str, name: str = "drive-tiny", *, reranked: bool = True, kind: str = "library"
    ) -> None:
        headline = {"R@1": 51.3, "R@10": 87.6}
        info = RunInfo(run_id, name, "2026-11-21T06:40:12+00:00", kind, self.queries, 60, reranked, headline)
        self.runs.insert(0, info)

    def rows(self, run_id: str) -> tuple[QueryOutcome, ...]:
        reranked = next(run.reranked for run in self.runs if run.run_id == run_id)
        dice = random.Random(run_id)
        found = []
        for number in range(self.queries):
            text = " ".join(p for p in (dice.choice(WHO), dice.choice(WHAT), dice.choice(WHEN)) if p)
            first = max(1, round(dice.paretovariate(0.7)))
            first = min(first, 60)
            rank = (
                min(60, max(1, round(first * dice.choice((0.2, 0.5, 1.0, 1.0, 1.6))))) if reranked else first
            )
            gap = None if rank > 50 else round((rank - 1) * 0.004, 4)
            found.append(
                QueryOutcome(str(number + 1), text, first, rank, gap, 100 * (61 - rank) / 60, 1, 0.9)
            )
        return tuple(found)

    def held(self) -> dict[tuple[str, int], JudgementInfo]:
        return {(one.query, one.clip_id): one for one, undone in self.actions if not undone}


def value(name: str, number: float, unit: str = "%") -> MetricValue:
    spread = 6.0 if unit == "%" else 0.9 if unit == "rank" else 0.05
    unjudged = 0.92 if "@" in name else None
    return MetricValue(
        name, unit, number, max(0.0, number - spread), number + spread, number, number, unjudged
    )


def metrics(better: float = 0.0) -> tuple[MetricValue, ...]:
    return (
        value("R@1", 51.3 + better), value("R@5", 80.6 + better), value("R@10", 87.6 + better),
        value("MdR", 1.0, "rank"), value("MnR", 4.7 - better / 10, "rank"), value("mAP", 0.641 + better / 100, ""),
        value("nDCG@10", 0.693 + better / 100, ""), value("MRR", 0.642 + better / 100, ""),
    )  # fmt: skip


class AnalysisAnswers:
    """A part of the fake engine; `self.analysis` is its memory."""

    _memory: FakeAnalysis | None = None

    @property
    def analysis(self) -> FakeAnalysis:
        self._memory = self._memory or FakeAnalysis()
        return self._memory

    def _on_getquerysets(self, request):
        self.say(QuerySets(request.id, tuple(self.analysis.sets)))

    def _on_previewqueries(self, request):
        if self.analysis.refuse:
            self.say(protocol.Failed(request.id, "bad_input", self.analysis.refuse))
            return
        columns = request.columns or {"query": "what", "video": "clip", "start": "from", "end": "to"}
        found = tuple(ColumnInfo(role, name, "name") for role, name in columns.items())
        sample = tuple(SampleRow(n + 2, f"{WHO[n % 8]} {WHAT[n % 7]}", f"drive_{n:03}.mp4", n * 8.0, n * 8.0 + 5, 1)
                       for n in range(12))  # fmt: skip
        strict = request.match.threshold > 0.9
        rejected = tuple(
            RejectedRowInfo(n + 20, "a tram", "lost.mp4", "the library has no video lost.mp4")
            for n in range(12 if strict else 3)
        )
        self.say(
            QueriesPreview(
                request.id, request.path, "CSV", "utf-8-sig", ("what", "clip", "from", "to", "weather"), found,
                ("weather",), sample, 42, 0 if strict else 38, 2, rejected, len(rejected),
            )
        )  # fmt: skip

    def _on_importqueries(self, request):
        info = QuerySetInfo(f"set-{len(self.analysis.sets) + 1}", request.name, "CSV", 38, request.match, "")
        self.analysis.sets.insert(0, info)
        self.say(QuerySets(request.id, tuple(self.analysis.sets), chosen=info.set_id))

    def _on_dropqueryset(self, request):
        self.analysis.sets = [entry for entry in self.analysis.sets if entry.set_id != request.set_id]
        self.say(QuerySets(request.id, tuple(self.analysis.sets)))

    def _on_evaluate(self, request):
        total = self.analysis.queries
        self.say(
            protocol.Progress(request.id, "Evaluating", "ranking", total // 3, total, "queries", 41.0, 3.0)
        )
        name = "theirs" if request.run_file else "drive-tiny"
        run_id = f"run-{len(self.analysis.runs) + 1}"
        kind = "foreign" if request.run_file else "library"
        self.analysis.add_run(run_id, name, reranked=request.rerank and not request.run_file, kind=kind)
        self.say(protocol.Evaluated(request.id, run_id, total, 4.2))

    def _on_getruns(self, request):
        library = getattr(request, "library", "")
        if library and library not in self.analysis.elsewhere:
            self.say(protocol.Failed(request.id, "not_found", f"There is no library in {library}."))
            return
        runs = self.analysis.elsewhere[library] if library else self.analysis.runs
        self.say(Runs(request.id, tuple(runs), library))

    def _on_choosecase(self, request):
        left = [one for one in self.analysis.chosen if one != request.query_id]
        self.analysis.chosen = [*left, request.query_id] if request.on else left
        self.say(protocol.CasesChosen(request.id, request.run_id, tuple(self.analysis.chosen)))

    def _on_deleterun(self, request):
        self.analysis.runs = [run for run in self.analysis.runs if run.run_id != request.run_id]
        self._on_getruns(request)

    def _on_openrun(self, request):
        run = next((run for run in self.analysis.runs if run.run_id == request.run_id), None)
        if run is None:
            self.say(protocol.Failed(request.id, "not_found", f"The library has no run “{request.run_id}”."))
            return
        rows = self.analysis.rows(run.run_id)
        rejected = (RejectedRowInfo(7, "a tram", "lost.mp4", "the library has no video lost.mp4"),)
        self.say(
            RunOpened(
                request.id, run, metrics(2.0 if request.judgements else 0.0), metrics(-6.4) if run.reranked else (),
                (("bundle", "drive-tiny"), ("device", "cpu")), ("1 of 181 rows mean no clip of this library.",),
                rejected, 1, tuple(self.analysis.chosen), (value("R@1", 44.0), value("MdR", 2.0, "rank")),
                (MetricValue("R1@0.5", "%", 61.5, 55.0, 68.0), MetricValue("mIoU", "%", 48.1, None, None)),
            )
        )  # fmt: skip
        for first in range(0, len(rows), PART):
            part = rows[first : first + PART]
            self.say(RunRows(request.id, first, part, last=first + PART >= len(rows)))

    def _on_getslices(self, request):
        rows = self.analysis.rows(request.run_id)
        found = []
        for key, words in (("asked light", ("night", "dusk")), ("asked weather", ("rain", "fog")),
                           ("asked actor", WHO), ("asked action", WHAT)):  # fmt: skip
            for word in words:
                members = array.array("i", [place for place, row in enumerate(rows) if word in row.text])
                if not members:
                    continue
                good = 100 * sum(rows[place].rank <= 10 for place in members) / len(members)
                result = MetricValue(
                    request.metric, "%", good, max(0.0, good - 14), min(100.0, good + 11), good, good
                )
                short = word.removeprefix("a ").removeprefix("an ")
                found.append(SliceInfo(key, short, len(members), result, members.tobytes()))
        worst = sorted(range(len(found)), key=lambda place: found[place].result.value)[:5]
        overall = value(request.metric, 87.6)
        self.say(Slices(request.id, request.run_id, request.metric, overall, tuple(found), tuple(worst)))

    def _on_compareruns(self, request):
        if request.against == "run-old":
            sentence = (
                "The runs ranked different clips, because the library changed between them: evaluate again."
            )
            self.say(protocol.Failed(request.id, "bad_input", sentence))
            return
        rows = self.analysis.rows(request.run_id)
        a, b = [row.first_rank for row in rows], [row.rank for row in rows]
        differences = tuple(
            DifferenceInfo(
                m.name, m.unit, n.value, m.value, m.value - n.value, m.value - n.value - 2, m.value - n.value + 2,
                None if m.name == "MdR" else 0.0004 if m.name == "R@1" else 0.21,
            )
            for m, n in zip(metrics(), metrics(-6.4), strict=True)
        )  # fmt: skip
        self.say(
            Compared(
                request.id, request.run_id, request.against, "student" if request.against else "first stage",
                "drive-tiny" if request.against else "reranked", array.array("i", range(len(rows))).tobytes(),
                array.array("f", a).tobytes(), array.array("f", b).tobytes(),
                sum(x > y for x, y in zip(a, b, strict=True)), sum(x < y for x, y in zip(a, b, strict=True)),
                sum(x == y for x, y in zip(a, b, strict=True)), 0, 0, differences, request.library,
                ("Ranks are among the 48 clips that both libraries hold.",) if request.library else (),
            )
        )  # fmt: skip

    def _on_getevidence(self, request):
        row = self.analysis.rows(request.run_id)[request.row]
        truth_clip = request.row % self.world.clips + 1
        others = [clip for clip in range(1, self.world.clips + 1) if clip != truth_clip]
        random.Random(request.row).shuffle(others)
        ranking = [*others[: int(row.rank) - 1], truth_clip, *others[int(row.rank) - 1 :]]
        hits = {
            clip: self._ranked_hit(clip, place + 1, int(row.first_rank)) for place, clip in enumerate(ranking)
        }

        def shown(clip):
            return RankedClip(hits[clip], 1 if clip == truth_clip else None)

        self.say(
            Evidence(
                request.id,
                request.run_id,
                request.row,
                row.text,
                tuple(map(shown, ranking[:10])),
                (shown(truth_clip),),
            )
        )

    def _ranked_hit(self, clip: int, rank: int, first_rank: int) -> Hit:
        video, start_s = self.world.clip(clip)
        return Hit(
            rank=rank, clip_id=clip, video_id=video.video_id, video=video.path, start_s=start_s, end_s=start_s + 8.0,
            score=0.34 - rank * 0.002, first_rank=first_rank, percentile=100.0 * (61 - rank) / 60,
            rerank_score=0.41 - rank * 0.003,
        )  # fmt: skip

    def _on_writereport(self, request):
        self.say(
            protocol.Progress(
                request.id, "Writing the report", "looking at failures", 2, 8, "queries", 0.5, 12.0
            )
        )
        stem = request.path.removesuffix(".html")
        self.say(protocol.ReportWritten(request.id, (request.path, f"{stem}.csv", f"{stem}.json")))

    # --- judgements -----------------------------------------------------------------------------------

    def _on_getjudgements(self, request):
        self.say(protocol.Judgements(request.id, tuple(self.analysis.held().values())))

    def _on_judge(self, request):
        one = JudgementInfo(
            " ".join(request.query.split()), request.clip_id, request.verdict, request.tags, request.note,
            request.author, "2026-11-21T07:00:00+00:00",
        )  # fmt: skip
        self.analysis.actions = [(held, undone) for held, undone in self.analysis.actions if not undone]
        self.analysis.actions.append((one, False))
        self._tell(request, one)

    def _on_undojudgement(self, request):
        places = range(len(self.analysis.actions))
        open_ones = [place for place in places if self.analysis.actions[place][1] == request.redo]
        if not open_ones:
            self.say(protocol.Judgements(request.id, (), ("", 0)))
            return
        place = open_ones[0] if request.redo else open_ones[-1]
        one, _ = self.analysis.actions[place]
        self.analysis.actions[place] = (one, not request.redo)
        self._tell(request, one)

    def _tell(self, request, one):
        held = self.analysis.held().get((one.query, one.clip_id))
        known = (held,) if held is not None else ()
        self.say(protocol.Judgements(request.id, known, (one.query, one.clip_id)))
