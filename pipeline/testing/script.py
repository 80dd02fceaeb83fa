"""What the fake model is to do: the script.

The script is data: in a job file (`models.<name>.options`), in a YAML or JSON file, or in a test:

    latency: 0.1
    faults:
      - {first: 3, fault: rate_limit, retry_after: 1}
      - {share: 0.05, times: 1, fault: server_error, status: 503}

`docs/scripted.md` says what each fault sends, and whether it is billed.
This module does not know requests, HTTP or clocks: `chance.py` decides which fault a request meets.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias, get_args

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.core.errors import JobError
from pipeline.job.validation import problem
from pipeline.job.yaml_source import YamlSource, parse

Limited: TypeAlias = Literal["rate_limit", "insufficient_quota"]
Refused: TypeAlias = Literal["server_error", "bad_request", "unauthorized", "forbidden", "not_found"]
Unpaid: TypeAlias = Literal["hang", "disconnect", "html", "error_body", "redirect"]
Altered: TypeAlias = Literal["refusal", "length", "filtered", "empty", "no_choices", "wrong_model"]
Disguised: TypeAlias = Literal["same_id", "mislabelled", "bom", "trailing"]
Broken: TypeAlias = Literal["truncate_body", "garbage", "empty_body", "huge", "drip", "body", "no_content"]
FaultName: TypeAlias = Literal[Limited, Refused, Unpaid, Altered, Disguised, Broken]
OfCreate: TypeAlias = Literal["create_500", "create_drop", "token_limit"]
OfCourse: TypeAlias = Literal["stall", "slow_cancel", "expired", "no_output", "output_gone"]
OfLine: TypeAlias = Literal["other_tier", "line_429", "line_500", "missing", "doubled", "blank", "cut"]
BatchFault: TypeAlias = Literal[OfCreate, OfCourse, OfLine, "shuffled"]
Count = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]

REFUSALS = frozenset(get_args(Limited) + get_args(Refused))
UNBILLED = REFUSALS | frozenset(get_args(Unpaid))
_SELECTORS = ("first", "every", "after", "during", "match", "share")
_WAITS = ("retry_after", "retry_after_ms", "retry_after_date")
_ONLY_FOR: dict[str, frozenset[str]] = {
    **dict.fromkeys(_WAITS, REFUSALS),
    "status": REFUSALS | {"error_body", "html", "redirect", "body"},
    "code": REFUSALS | {"error_body"},
    "message": REFUSALS | {"error_body"},
    "bytes": frozenset({"huge"}),
    "seconds": frozenset({"drip"}),
    "body": frozenset({"body"}),
}
_ONLY_FOR_BATCH = {
    "part": frozenset({"expired", "stall", *get_args(OfLine)}),
    "seconds": frozenset({"slow_cancel"}),
    "tier": frozenset({"other_tier"}),
}


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Latency(_Spec):
    """Seconds an answer takes: evenly spread over `mean` - `jitter` to `mean` + `jitter`, by the seed."""

    mean: Seconds
    jitter: Seconds = 0.0


class Quota(_Spec):
    """Limits per minute and per day; a request above them is refused with 429 and `x-ratelimit-*` headers.

    A bucket of `burst` requests (default: one second's worth), of `tpm` tokens and of a day's `rpd`
    requests, filled evenly; with `sliding`, no window of 60 s ever holds more than `rpm` requests and `tpm`
    tokens, and none of 24 h more than `rpd` requests. Tokens are those of the prompt and of the answer.
    `retry_after` is True for the true wait in whole seconds, False for no such header, or a number of
    seconds. `headers` False leaves the `x-ratelimit-*` headers out, which never tell of the day.
    """

    rpm: Count | None = None
    tpm: Count | None = None
    rpd: Count | None = None
    burst: Count | None = None
    sliding: bool = False
    retry_after: bool | Seconds = True
    headers: bool = True

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.rpm is None and self.tpm is None and self.rpd is None:
            raise ValueError("a quota needs rpm, tpm or rpd")
        if self.burst is not None and (self.rpm is None or self.sliding):
            raise ValueError("burst goes with rpm, and not with sliding")
        return self


class Rule(_Spec):
    """One fault and the requests it applies to: all given selectors must hold; the first such rule is taken.

    `first`, `after` and `every` count the requests since the start (the 1st is 1), `during` is [from, to)
    in seconds since the first request, `match` a substring of the body, `share` a part of all attempts
    drawn by seed, digest and attempt. `times` caps how often the rule strikes the same digest. `headers`
    are sent as they stand, over the usual ones; `retry_after` and `retry_after_date` are seconds from now,
    `retry_after_ms` milliseconds. `billed` overrides what the fault usually costs.
    """

    fault: FaultName
    first: Count | None = None
    every: Count | None = None
    after: Annotated[int, Field(ge=0)] | None = None
    during: tuple[Seconds, Seconds] | None = None
    match: str | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    times: Count | None = None
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    code: str | None = None
    message: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    retry_after: Seconds | None = None
    retry_after_ms: Seconds | None = None
    retry_after_date: float | None = None
    bytes: Count | None = None
    seconds: Seconds | None = None
    body: str | None = None
    billed: bool | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if all(getattr(self, name) is None for name in _SELECTORS):
            raise ValueError(f"a rule needs one of {', '.join(_SELECTORS)} (every: 1 hits every request)")
        for name, faults in _ONLY_FOR.items():
            if getattr(self, name) is not None and self.fault not in faults:
                raise ValueError(f"'{name}' does not go with fault '{self.fault}'")
        if self.fault == "server_error" and self.status is not None and self.status < 500:
            raise ValueError("the status of a server_error is 500 or more")
        if self.fault == "body" and self.body is None:
            raise ValueError("fault 'body' needs the body to send")
        return self

    @property
    def charged(self) -> bool:
        """Whether a request that meets this fault is paid for."""
        usual = self.fault not in UNBILLED and (self.status or 200) < 300
        return usual if self.billed is None else self.billed


class BatchRule(_Spec):
    """One fault of batches: all given selectors must hold, and every such rule applies.

    `first`, `after` and `every` count the batches, `share` is a part of them, drawn by seed and number.
    `part` is the share of a batch's lines: those that are answered (expired, stall), else those that the
    fault hits. `seconds` is how long a cancelling takes, `tier` the one that serves the lines.
    """

    fault: BatchFault
    first: Count | None = None
    every: Count | None = None
    after: Annotated[int, Field(ge=0)] | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    part: Share | None = None
    seconds: Seconds | None = None
    tier: str | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if all(getattr(self, name) is None for name in ("first", "every", "after", "share")):
            raise ValueError("a fault of batches needs first, every, after or share (every: 1 hits each)")
        for name, faults in _ONLY_FOR_BATCH.items():
            if getattr(self, name) is not None and self.fault not in faults:
                raise ValueError(f"'{name}' does not go with fault '{self.fault}'")
        return self


class BatchScript(_Spec):
    """How batches go: `latency` is the seconds until one is complete, `window` those until it expires.

    Without `window` it is the one that a batch asks for. A batch of more than `most_requests` lines fails,
    and one that brings the prompts of all unfinished batches above `most_tokens`.
    """

    latency: Seconds | Latency = 0.0
    window: Seconds | None = None
    most_requests: Count | None = None
    most_tokens: Count | None = None
    faults: tuple[BatchRule, ...] = ()


class Script(_Spec):
    """A fake model. By default it answers every request, at once, whatever the key.

    `answer` is a text for all, or a mapping: the first key that is a substring of the last user message
    gives the text. `tokens` is what each answer counts as, and plain text is padded to that size.
    `capacity` is how many requests are worked on at once; more wait in line.

    `cached` and `cache_written` are the shares of every prompt's tokens that count as read from a cache and
    as written to one, `reasoning` the tokens that every answer costs besides its text. `tier` is the
    service tier that answers say they were served by, the one asked for by default. Without `usage` all
    of it is billed, and none is told.
    """

    latency: Seconds | Latency = 0.0
    seed: int = 0
    answer: str | dict[str, str] | None = None
    tokens: Count | None = None
    cached: Share = 0.0
    cache_written: Share = 0.0
    reasoning: Annotated[int, Field(ge=0)] = 0
    tier: str | None = None
    usage: bool = True
    api_key: str | None = Field(default=None, repr=False)
    models: tuple[str, ...] | None = None
    capacity: Count | None = None
    quota: Quota | None = None
    faults: tuple[Rule, ...] = ()
    batches: BatchScript = BatchScript()

    @model_validator(mode="after")
    def _shares_one_prompt(self) -> Self:
        if self.cached + self.cache_written > 1:
            raise ValueError("cached and cache_written are shares of the same tokens: at most 1 together")
        return self

    @property
    def draws(self) -> bool:
        """Whether the number of a request's attempt matters."""
        return isinstance(self.latency, Latency) or any(rule.share is not None for rule in self.faults)

    @classmethod
    def read(cls, path: Path) -> Script:
        """The script in a YAML file, or a JSON file by its suffix; `JobError` says what is wrong where."""
        try:
            text = path.read_text("utf-8")
        except OSError as error:
            raise JobError(f"cannot read the script: {error.strerror}", where=str(path)) from None
        read = _json(text, str(path)) if path.suffix == ".json" else parse(text, str(path))
        try:
            return cls.model_validate(read.data)
        except ValidationError as error:
            raise problem(error, read, cls) from None


def _json(text: str, file: str) -> YamlSource:
    try:
        return YamlSource(file, orjson.loads(text))
    except orjson.JSONDecodeError as error:
        raise JobError(f"not JSON: {error}", where=file) from None
