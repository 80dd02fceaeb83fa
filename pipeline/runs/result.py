"""What a run, a plan or an export gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.core import adapters
from pipeline.core.errors import OK, ROWS_FAILED, JobError, RunStopped
from pipeline.system.files import adapter_name

if TYPE_CHECKING:
    import polars as pl

    from pipeline.output.folder import Filed
    from pipeline.output.translated.filing import Segments
    from pipeline.output.translated.judged import Judged


@dataclass(frozen=True)
class Commonest:
    """Why most of the rows failed that failed at a step."""

    step: str
    failed: int
    """rows that failed at the step"""
    kind: str
    count: int
    """how many of them for this kind of reason"""
    message: str
    """the commonest message of this kind"""
    alike: int
    """how many rows have it"""


@dataclass(frozen=True)
class Result:
    """A finished run or export. Rows: every row of the result is exactly one of the four."""

    targets: tuple[Path, ...]
    ok: int
    failed: int
    skipped: int
    pending: int
    sent: int = 0
    """requests that went out, tries included"""
    recalled: int = 0
    """requests that the journal answered"""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """input tokens that a server had in its cache"""
    failures: Path | None = None
    """the table of failed rows, where there are any"""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """records that failed, by kind of fault, the most frequent first"""
    commonest: tuple[Commonest, ...] = ()
    """for each step at which rows failed, the commonest reason"""
    paid_failures: int = 0
    """how many of them were paid for"""
    review: Path | None = None
    """the table of rows that wait for a person, where there are any"""
    to_review: int = 0
    """how many of them there are"""
    by_hand: int = 0
    """answers that a person wrote or accepted"""
    review_remarks: tuple[str, ...] = ()
    """what is wrong with what people wrote, and what of it is not used"""
    told: Mapping[str, int] = field(default_factory=dict)
    """what soft checks say of the rows, by the name of the check"""
    filed: Filed | None = None
    """the files of the rows, where the job wants any"""
    segments: Segments | None = None
    """what became of the segments of documents, where the job translates any"""
    meaning: Judged | None = None
    """what another model found wrong with translations, where the job wants it to read them"""
    sharing: Mapping[str, int] = field(default_factory=dict)
    """by step: rows that have the same prompt as another row, and share its answer"""
    chosen: str = ""
    """which part of the records is meant; '' for all"""
    rows_before: int = 0
    """rows of the table before, where it had more"""
    uploaded: tuple[str, ...] = ()
    """the addresses in stores where the table stands now"""
    kept: tuple[Path | str, ...] = ()
    """tables that were changed by somebody else, or not written by the job, where they are kept"""
    seconds: float = 0.0
    cost: float | None = 0.0
    """dollars of what was answered in this run; None where a price or the tokens are not known"""
    most_cost: float | None = 0.0
    """the most that it can have cost; None where a price is not known"""
    advice: str = ""
    """what held the run up most, and what could be done about it"""
    remarks: Mapping[str, int] = field(default_factory=dict)
    """what was odd about replies that were taken all the same, and how often"""

    accept: int | None = None
    """how many rows the job wants that are ok; None for no number"""

    @property
    def cache_hit_rate(self) -> float | None:
        """The share of the input that a server had in its cache; None where no server says so."""
        return self.cached_tokens / self.input_tokens if self.cached_tokens and self.input_tokens else None

    @property
    def rows(self) -> int:
        """Rows of the result."""
        return self.ok + self.failed + self.skipped + self.pending

    @property
    def outcome(self) -> str:
        """How the run ended, in a word."""
        return "unfinished" if self.pending else "finished"

    @property
    def exit_code(self) -> int:
        """0, 2 where rows that are ok have no file, 75 where rows are pending, 3 where rows failed.

        3 also where a person has to look at a segment. Where the job wants a number of rows that are ok,
        others may fail: then 3 means that there are too few.
        """
        if self.filed and self.filed.missing.count:
            return JobError.exit_code
        if self.pending:
            return RunStopped.exit_code
        if self.accept is not None:
            return OK if self.ok >= self.accept else ROWS_FAILED
        return ROWS_FAILED if self.failed or (self.segments and self.segments.review) else OK

    def frame(self) -> pl.DataFrame:
        """The result as a polars frame, read from its first file."""
        return result_frame(self.targets[0])


def result_frame(target: Path) -> pl.DataFrame:
    """The table in a result's file; `InputError` where there is none."""
    frame: pl.DataFrame = adapters.load("tables", adapter_name(target)[0]).scan(target).collect()
    return frame


@dataclass
class StepPlan:
    """What one step still needs. Tokens are estimates; `output_limit` is the most the answers may have.

    Money is dollars, None where a price is not known. `cost` and `output_tokens` go by what earlier answers
    of the step had, or else by its limit; `measured` says which. `later_cost` is for the requests that wait
    for missing answers, None where nothing is known of them yet.
    """

    step: str
    model: str
    answered: int = 0
    missing: int = 0
    in_batches: int = 0
    """requests that are in open batches: they are not missing, because they are not sent again"""
    later: int = 0
    """requests that depend on missing answers: at most so many"""
    items: bool = False
    """whether there may be more: some stand for all items of a list that is not known yet"""
    input_tokens: int = 0
    output_tokens: int = 0
    output_limit: int | None = 0
    measured: bool = False
    cost: float | None = 0.0
    most: float | None = 0.0
    """the most that it can cost, with all repairs, retries and fallback models; None for no bound"""
    no_bound: str = ""
    """why there is none"""
    sharing: int = 0
    """rows that have the same prompt as another row, and share its answer"""
    later_cost: float | None = 0.0


@dataclass(frozen=True)
class LanePlan:
    """What the missing requests cost if every model that can goes by one lane; the others go by their own."""

    lane: str
    chosen: bool
    """whether the job does so"""
    cost: float | None
    """dollars, expected, later requests included where known; None where a price is not known"""
    most: float | None
    """the most that it can be; None for no bound"""
    not_by_it: Mapping[str, str]
    """models that cannot go by it, each with the reason"""
    caveats: tuple[str, ...]
    """what it means for a run, in sentences"""


@dataclass
class Plan:
    """What a run would send."""

    records: int = 0
    rows: int = 0
    complete: int = 0
    failed: int = 0
    """rows that fail without a request: a template that does not fit, a paid answer that was rejected"""
    unfinished: int = 0
    """records that need requests"""
    spent: float = 0.0
    """dollars that earlier runs have spent"""
    maybe_spent: float = 0.0
    """the most that attempts which may have been billed have cost, in addition to `spent`"""
    in_batches: int = 0
    """requests in open batches; also those that no row asks for any more"""
    in_batches_most: float = 0.0
    """dollars that these can cost at the most"""
    budget: float | None = None
    """dollars that the job may spend in all"""
    left_of: dict[str, tuple[int, int]] = field(default_factory=dict)
    """tokens and requests that are left of the budget, and how many it has; empty where it has none"""
    chosen: str = ""
    """which part of the records is meant; '' for all"""
    steps: list[StepPlan] = field(default_factory=list)
    lanes: list[LanePlan] = field(default_factory=list)
    """what each lane would cost, the cheapest first; empty where there is only one"""
    warnings: list[str] = field(default_factory=list)
    """what is likely to be a slip in the job, each with its place and what to do"""

    @property
    def missing(self) -> int:
        """Requests that can be rendered now and have no answer."""
        return sum(step.missing for step in self.steps)

    @property
    def later(self) -> int:
        """Requests that depend on missing answers: at most so many, unless a step has items."""
        return sum(step.later for step in self.steps)

    def needed(self, what: str) -> int:
        """Tokens or requests that are to come; later ones count only as requests."""
        if what == "requests":
            return self.missing + self.later
        return sum(step.input_tokens + step.output_tokens for step in self.steps)

    @property
    def cost(self) -> float | None:
        """Dollars that the missing requests are expected to cost, later ones included where known."""
        if any(step.cost is None for step in self.steps):
            return None
        return sum((step.cost or 0.0) + (step.later_cost or 0.0) for step in self.steps)

    @property
    def most(self) -> float | None:
        """The most that the run can cost; None where neither its requests nor a budget bound it."""
        return self.most_asked if self.most_asked is not None and not self.held_by_budget else self.left

    @property
    def left(self) -> float | None:
        """Dollars that are left of the budget, open batches at their most; None where there is no budget."""
        gone = self.spent + self.maybe_spent + self.in_batches_most
        return None if self.budget is None else max(self.budget - gone, 0.0)

    @property
    def most_asked(self) -> float | None:
        """The most that its requests can cost, whatever the budget; None for no bound."""
        return None if self.no_bound else sum(step.most or 0.0 for step in self.steps)

    @property
    def held_by_budget(self) -> bool:
        """Whether it is the budget that bounds the cost."""
        return self.left is not None and (self.most_asked is None or self.left < self.most_asked)

    @property
    def no_bound(self) -> str:
        """Why its requests have no bound; '' where they have one."""
        return next((step.no_bound for step in self.steps if step.most is None), "")
