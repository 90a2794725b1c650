"""Messages about runs: made, stored, what became of each query, slices, comparison, the report."""

from __future__ import annotations

import msgspec

from core.protocol.basics import Message
from core.protocol.query_sets import RejectedRowInfo
from core.protocol.retrieval import Hit

# --- window -> engine ---------------------------------------------------------------------------------


class Evaluate(Message, frozen=True):
    """Rank every clip for every query and store the run. `Progress` while it runs, then `Evaluated`.

    With `run_file` nothing is searched: the rankings of that TREC run are measured with the same truth.
    """

    id: int
    set_id: str
    rerank: bool = True
    judgements: bool = False  # what people judged in this library overrules the file
    name: str = ""
    run_file: str = ""


class GetRuns(Message, frozen=True):
    """Answers `Runs`: what is stored in the open library, or in another one's folder, newest first."""

    id: int
    library: str = ""


class DeleteRun(Message, frozen=True):
    """Forget a stored run. Answers `Runs`."""

    id: int
    run_id: str


class OpenRun(Message, frozen=True):
    """Answers `RunOpened`, then `RunRows` in parts, the last one with `last=True`.

    With `judgements`, here and below, the run is measured with what people judged until now over its own truth.
    """

    id: int
    run_id: str
    judgements: bool = False


class ChooseCase(Message, frozen=True):
    """Put a query of a run on the list of those that its report shows first, or take it off. Answers `CasesChosen`."""

    id: int
    run_id: str
    query_id: str
    on: bool = True


class GetSlices(Message, frozen=True):
    """Answers `Slices`: one metric on every part of a run's queries."""

    id: int
    run_id: str
    metric: str = "R@10"
    judgements: bool = False


class GetEvidence(Message, frozen=True):
    """What a run ranked for one query. Answers `Evidence`."""

    id: int
    run_id: str
    row: int
    judgements: bool = False


class CompareRuns(Message, frozen=True):
    """The last stage of `run_id` against another run, or against its own first stage if `against` is empty.

    With `library` the other run is one of the library in that folder. Answers `Compared`.
    """

    id: int
    run_id: str
    against: str = ""
    judgements: bool = False
    library: str = ""


class WriteReport(Message, frozen=True):
    """Write the self-contained HTML report of a run. `Progress` while it runs, then `ReportWritten`."""

    id: int
    run_id: str
    path: str
    against: str = ""
    judgements: bool = False
    library: str = ""  # the folder of the library that `against` is from, if it is another one


# --- engine -> window ---------------------------------------------------------------------------------


class MetricValue(msgspec.Struct, frozen=True):
    """A metric with its 95 % interval and its values under lucky and unlucky ties; None: there is no number.

    `unjudged` is the share (0-1) of the clips it looks at that nobody judged, None for one without a depth.
    """

    name: str
    unit: str  # "%", "rank" or ""
    value: float | None
    low: float | None
    high: float | None
    optimistic: float | None = None
    pessimistic: float | None = None
    unjudged: float | None = None


class RunInfo(msgspec.Struct, frozen=True):
    """A stored run in a list. `headline` are metrics of its last stage; `problem` says why it cannot be opened."""

    run_id: str
    name: str
    created: str  # UTC, ISO 8601
    kind: str  # "library" or "foreign"
    queries: int
    clips: int
    reranked: bool
    headline: dict[str, float | None] = msgspec.field(default_factory=dict)
    problem: str = ""


class Runs(Message, frozen=True):
    """Answer to `GetRuns` and `DeleteRun`; `library` as it was asked for."""

    id: int
    runs: tuple[RunInfo, ...]
    library: str = ""


class Evaluated(Message, frozen=True):
    """Answer to `Evaluate`: the run is stored."""

    id: int
    run_id: str
    queries: int
    seconds: float


class RunOpened(Message, frozen=True):
    """What a run says as a whole; its rows follow. `first_stage` is empty if nothing was reranked.

    `video_to_text` and `moments` are empty where the run has no such numbers.

    `facts` are (name, value) lines for reading: configuration, hashes, versions, timings.
    """

    id: int
    run: RunInfo
    metrics: tuple[MetricValue, ...]
    first_stage: tuple[MetricValue, ...]
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    rejected: tuple[RejectedRowInfo, ...]
    rejected_count: int
    chosen: tuple[str, ...] = ()  # ids of queries that a person chose for the report
    video_to_text: tuple[MetricValue, ...] = ()
    moments: tuple[MetricValue, ...] = ()
    last: bool = False


class CasesChosen(Message, frozen=True):
    """Answer to `ChooseCase`: ids of the queries that now are chosen, in the order of choosing."""

    id: int
    run_id: str
    chosen: tuple[str, ...]


class QueryOutcome(msgspec.Struct, frozen=True, array_like=True):
    """One query of a run: where its best relevant clip stands.

    `first_rank` and `rank` are expected ranks in the first and last stage; `gap` is the score that the truth
    lacks to rank 1 (None: other scores ordered it, or it was not ranked); `percentile` the share (0-100) of clips
    that rank no higher; `unjudged` the share (0-1) of the first ten clips that nobody judged.
    """

    query_id: str
    text: str
    first_rank: float
    rank: float
    gap: float | None
    percentile: float
    relevant: int
    unjudged: float


class RunRows(Message, frozen=True):
    """Rows of the run from `first` on."""

    id: int
    first: int
    rows: tuple[QueryOutcome, ...]
    last: bool


class SliceInfo(msgspec.Struct, frozen=True):
    """Queries that share a property. `members` are their rows, little-endian int32 one behind the other."""

    key: str
    value: str
    count: int
    result: MetricValue
    members: bytes


class Slices(Message, frozen=True):
    """Answer to `GetSlices`. `worst` are places in `slices`: the weakest with enough members, worst first."""

    id: int
    run_id: str
    metric: str
    overall: MetricValue
    slices: tuple[SliceInfo, ...]
    worst: tuple[int, ...]


class RankedClip(msgspec.Struct, frozen=True):
    """A clip in a query's ranking and what the truth says of it: a grade, None where nobody judged."""

    hit: Hit
    grade: int | None


class Evidence(Message, frozen=True):
    """Answer to `GetEvidence`.

    `top` are the first ten of the last stage; `truth` the relevant clips, best ranked first, at most five of them,
    with rank 0 for those that were not ranked.
    """

    id: int
    run_id: str
    row: int
    query: str
    top: tuple[RankedClip, ...]
    truth: tuple[RankedClip, ...]


class DifferenceInfo(msgspec.Struct, frozen=True):
    """A metric of the other run (a) and of this one (b), b - a with its 95 % interval, and the p-value, if any."""

    name: str
    unit: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    p_value: float | None


class Compared(Message, frozen=True):
    """Answer to `CompareRuns`, over the queries that both have.

    `rows` (little-endian int32) are rows of this run, `ranks_a` and `ranks_b` (float32) the truth's ranks in the
    other run and in this one, all of the same length. `notes` say in sentences what of the two was not matched and
    takes no part; the other run is a, this one b. `library` is the folder of the other run's library, if it is another.
    """

    id: int
    run_id: str
    against: str
    title_a: str
    title_b: str
    rows: bytes
    ranks_a: bytes
    ranks_b: bytes
    wins: int
    losses: int
    draws: int
    only_a: int
    only_b: int
    metrics: tuple[DifferenceInfo, ...]
    library: str = ""
    notes: tuple[str, ...] = ()


class ReportWritten(Message, frozen=True):
    """Answer to `WriteReport`: every file that was written, the HTML first."""

    id: int
    paths: tuple[str, ...]


Requests = (
    Evaluate | GetRuns | DeleteRun | OpenRun | ChooseCase | GetSlices | GetEvidence | CompareRuns | WriteReport
)  # fmt: skip
Replies = Evaluated | Runs | RunOpened | CasesChosen | RunRows | Slices | Evidence | Compared | ReportWritten
