"""What the fake model is to do: the script, and the pure decision which of its faults befalls a request.

The script is data: in a job file (`models.<name>.options`), in a YAML or JSON file, or in a test:

    latency: 0.1
    faults:
      - {first: 3, fault: rate_limit, retry_after: 1}
      - {share: 0.05, times: 1, fault: server_error, status: 503}

| fault | what is sent | billed |
| --- | --- | --- |
| rate_limit, insufficient_quota | 429 | no |
| bad_request, unauthorized, forbidden, not_found | 400, 401, 403, 404 | no |
| server_error | 500, or the `status` given | no |
| redirect | 307 to `/moved`, or the `location` in `headers` | no |
| html, error_body | 200 with a sign-in page, with an error | no |
| hang, disconnect | nothing ever; nothing, and the connection is closed | no |
| truncate_body | half of the body, and the connection is closed | yes |
| garbage, empty_body, body | 200 with invalid JSON, nothing, the `body` given | yes |
| huge, drip | the answer padded to `bytes` (64 MiB); byte by byte over `seconds` (1) | yes |
| refusal, length, filtered, empty, no_choices | answers without a usable text | yes |
| wrong_model | the answer in another model's name | yes |

This module does not know HTTP, clocks or counters: whoever plays the script hands them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import JobError
from pipeline.yaml_text import YamlText, parse

FaultName: TypeAlias = Literal[
    "rate_limit",
    "insufficient_quota",
    "server_error",
    "bad_request",
    "unauthorized",
    "forbidden",
    "not_found",
    "hang",
    "disconnect",
    "truncate_body",
    "garbage",
    "html",
    "empty_body",
    "refusal",
    "length",
    "filtered",
    "empty",
    "no_choices",
    "error_body",
    "redirect",
    "huge",
    "drip",
    "wrong_model",
    "body",
]
Count = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(ge=0)]

REFUSALS = frozenset(
    {
        "rate_limit",
        "insufficient_quota",
        "server_error",
        "bad_request",
        "unauthorized",
        "forbidden",
        "not_found",
    }
)
UNBILLED = REFUSALS | {"hang", "disconnect", "html", "error_body", "redirect"}
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


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Latency(_Spec):
    """Seconds an answer takes: evenly spread over `mean` - `jitter` to `mean` + `jitter`, by the seed."""

    mean: Seconds
    jitter: Seconds = 0.0


class Quota(_Spec):
    """Limits per minute; a request above them is refused with 429 and `x-ratelimit-*` headers.

    A bucket of `burst` requests (default: one second's worth) and of `tpm` tokens, filled evenly; with
    `sliding`, no window of 60 s ever holds more than `rpm` requests and `tpm` tokens. Tokens are those of
    the prompt and of the answer. `retry_after` is True for the true wait in whole seconds, False for no
    such header, or a number of seconds.
    """

    rpm: Count | None = None
    tpm: Count | None = None
    burst: Count | None = None
    sliding: bool = False
    retry_after: bool | Seconds = True

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.rpm is None and self.tpm is None:
            raise ValueError("a quota needs rpm, tpm or both")
        if self.burst is not None and (self.rpm is None or self.sliding):
            raise ValueError("burst goes with rpm, and not with sliding")
        return self


class Rule(_Spec):
    """One fault and whom it befalls: every selector given must hold, the first rule that holds is taken.

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
            raise ValueError(f"a rule needs one of {', '.join(_SELECTORS)} (every: 1 strikes always)")
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


class Script(_Spec):
    """A fake model. The defaults answer everything, at once, for whoever asks.

    `answer` is a text for all, or a mapping: the first key that is a substring of the last user message
    gives the text. `tokens` is what each answer counts as, and plain text is padded to that size.
    `capacity` is how many requests are worked on at once; more wait in line.
    """

    latency: Seconds | Latency = 0.0
    seed: int = 0
    answer: str | dict[str, str] | None = None
    tokens: Count | None = None
    api_key: str | None = Field(default=None, repr=False)
    models: tuple[str, ...] | None = None
    capacity: Count | None = None
    quota: Quota | None = None
    faults: tuple[Rule, ...] = ()

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
            first = error.errors(include_url=False, include_input=False)[0]
            key = ".".join(str(part) for part in first["loc"])
            what = f"{key}: {first['msg']}" if key else first["msg"]
            raise JobError(what, where=read.where(first["loc"])) from None


def _json(text: str, file: str) -> YamlText:
    try:
        return YamlText(file, orjson.loads(text))
    except orjson.JSONDecodeError as error:
        raise JobError(f"not JSON: {error}", where=file) from None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the script sees it: the `n`-th of all, the `attempt`-th of its digest, both from 1.

    `elapsed` is in seconds since the first request.
    """

    n: int
    digest: bytes
    attempt: int
    elapsed: float
    body: bytes


def decide(script: Script, asked: Asked, struck: Mapping[tuple[bytes, int], int]) -> int | None:
    """The place of the rule that befalls a request, None for none.

    `struck` tells how often a rule, by its place, has struck a digest.
    """
    for place, rule in enumerate(script.faults):
        if rule.times is not None and struck.get((asked.digest, place), 0) >= rule.times:
            continue
        if _holds(rule, asked) and _drawn(rule, asked, script.seed, place):
            return place
    return None


def _holds(rule: Rule, asked: Asked) -> bool:
    return (
        (rule.first is None or asked.n <= rule.first)
        and (rule.after is None or asked.n > rule.after)
        and (rule.every is None or asked.n % rule.every == 0)
        and (rule.during is None or rule.during[0] <= asked.elapsed < rule.during[1])
        and (rule.match is None or rule.match.encode() in asked.body)
    )


def _drawn(rule: Rule, asked: Asked, seed: int, place: int) -> bool:
    return rule.share is None or _dice(seed, place, asked) < rule.share


def latency_of(script: Script, asked: Asked) -> float:
    """Seconds this attempt's answer takes."""
    if not isinstance(script.latency, Latency):
        return script.latency
    spread = 2 * _dice(script.seed, -1, asked) - 1
    return max(0.0, script.latency.mean + spread * script.latency.jitter)


def _dice(seed: int, place: int, asked: Asked) -> float:
    """A number in [0, 1) that is the same whenever the same attempt of the same request comes."""
    drawn = sha256(f"{seed} {place} {asked.attempt} ".encode() + asked.digest).digest()
    return int.from_bytes(drawn[:7]) / 256**7
