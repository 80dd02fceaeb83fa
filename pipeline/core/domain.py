"""The nouns that travel: record, request, reply, answer, fault. Frozen, without I/O.

A *call* is the one function that everything wraps: a provider, a guard, the journal, a counter and a
fake all take a `Request` and give a `Reply`, or raise a `Fault`.
This module does not know HTTP, files or the job file.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from hashlib import sha256
from typing import Any, Self, TypeAlias, TypeVar, dataclass_transform

DOLLAR = 1_000_000_000  # money is counted in nano-dollars, so that sums are exact
FLEX, BATCH = "flex", "batch"  # service tiers that cost less
Values: TypeAlias = Mapping[str, Any]
_Class = TypeVar("_Class")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[_Class]) -> type[_Class]:
    """The class as a dataclass with slots. Only the type checker forbids changes, at no cost at run time.

    A dozen such objects are made for each row, and `dataclass(frozen=True)` takes five times as long for
    each, because it sets every field through a function.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)


@frozen
class Record:
    """One row of the input. `key` decides where an answer goes; `row` (1-based) is for messages only."""

    key: str
    fields: Values
    row: int
    private: tuple[Any, ...] = ()  # values that stay out of every message


@frozen
class Media:
    """A picture or a recording. Its `mark`, with its SHA-256, stands in a body until the body is sent."""

    kind: str  # image/png, audio/wav, …; image/* where only its address is known
    size: int = 0
    mark: bytes = b""  # a JSON string that occurs in a body in no other way; b"" for an address
    url: str = ""
    pixels: tuple[int, int] = (0, 0)
    seconds: float = 0.0
    detail: str = ""  # how closely a picture is looked at; '' where nothing is said
    load: Callable[[], bytes] = field(default=bytes, compare=False, repr=False)  # what is sent for the mark


@frozen
class Request:
    """One question to a model, with its body as the bytes that will be sent.

    `api` names the dialect of the body (a file of `wire/apis/`). `step` and `key` say who asked; they are not
    part of the identity, so two records with the same question share one answer.
    """

    api: str
    model: str
    body: bytes
    step: str = field(default="", compare=False)
    key: str = field(default="", compare=False)
    attempt: int = field(default=1, compare=False)  # which try this is, from 1
    endpoint: str = field(default="", compare=False)  # which of a model's endpoints; '' where there is one
    private: tuple[Any, ...] = field(default=(), compare=False, repr=False)  # what no message may show
    instead: Request | None = field(default=None, compare=False)  # to the fallback model, if this one fails
    draw: str = ""  # which of several answers to the same body is wanted; '' for the first or only one
    turns: int = field(default=1, compare=False)  # messages: more than 1 where an answer is complained of
    via: str = field(default="", compare=False)  # which of the job's models is asked; '' for the step's own
    segments: tuple[bytes, ...] = field(default=(), compare=False)  # those of a document, by key, in order
    media: tuple[Media, ...] = field(default=(), compare=False, repr=False)
    tier: str = field(default="", compare=False)  # flex: it is put into what is sent; batch: it goes by file
    _digest: bytes = field(default=b"", init=False, compare=False, repr=False)

    @property
    def either(self) -> Iterator[Request]:
        """The request, and behind it those to the fallback models."""
        yield self
        if self.instead is not None:
            yield from self.instead.either

    @property
    def weight(self) -> int:
        """How many bytes it has, pictures and recordings included."""
        return len(self.body) + sum(one.size for one in self.media)

    @property
    def sent(self) -> bytes:
        """The body as it is sent: with its tier, and with pictures and recordings in their places."""
        body = self.body
        if self.tier == FLEX:  # the body is an object, and never an empty one
            body = b'{"service_tier":"flex",' + body[1:]
        for one in self.media:
            if one.mark and one.mark in body:
                body = body.replace(one.mark, one.load())
        return body

    def with_tier(self, tier: str) -> Request:
        """The same question in another service tier: its digest is the same, and so is its answer."""
        other = replace(self, tier=tier)
        object.__setattr__(other, "_digest", self._digest)
        return other

    @property
    def digest(self) -> bytes:
        """SHA-256 over the dialect, the body and the draw: whoever has the same digest has the same answer.

        The first draw adds nothing. Host, key, headers, limits, prices and the tier stay out of it. The body
        is built in one fixed order (`wire/apis/`); a picture counts by the SHA-256 in its mark.
        """
        if not self._digest:
            draw = b"\0" + self.draw.encode() if self.draw else b""  # a body is JSON: it has no null byte
            whole = self.api.encode() + b"\0" + self.body + draw
            object.__setattr__(self, "_digest", sha256(whole).digest())
        return self._digest


@frozen
class Usage:
    """Tokens as the server counted them.

    `cached` and `cache_written` are parts of `input`, `reasoning` is a part of `output`.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0
    whole: bool = field(default=True, compare=False)  # whether no count is missing, or cannot be one


ANY_MODEL = "any"  # what to write for the one model of a server that does not look at the name
NO_TOKENS = Usage()  # the usage of a reply whose tokens are not counted


@frozen
class ServerLimits:
    """What a server's headers say about its limits; None where they say nothing."""

    rpm: int | None = None
    tpm: int | None = None
    rpd: int | None = None
    left: int | None = None  # requests that may be sent at once


@frozen
class Answer:
    """What a reply says, read by its dialect.

    `finish_reason` is one of our words (`wire/words.py`), or the server's own where that is not known.
    """

    text: str
    finish_reason: str = "stop"
    refusal: str = ""
    model: str = ""
    usage: Usage = NO_TOKENS
    tier: str = ""  # the service tier that served it, where the server says so
    reasoning: str = ""  # what the model wrote before its answer; never a part of a result
    said: str = ""  # the text with the reasoning that stood in it; '' where none did

    @property
    def counted(self) -> bool:
        """Whether the server counted all tokens. No prompt is without tokens, and no text is."""
        usage = self.usage
        return usage.whole and usage.input > 0 and (usage.output > 0 or not self.text)


@frozen
class Reply:
    """What came back for a request, unchanged; `answer` is what it says, set once it has been read.

    `model` is the model that was asked, `known` whether the journal held it before, `advertised` what the
    headers said about limits.
    """

    api: str
    body: bytes
    seconds: float = 0.0
    answer: Answer | None = None
    model: str = ""
    known: bool = False
    advertised: ServerLimits | None = None
    wait: float | None = None  # seconds that the headers ask to wait; used only where the body is an error
    odd: str = ""  # what was odd about it, though it can be read; '' for nothing
    cost: int | None = None  # nano-dollars by its usage; None where that or the price is not known
    most: int | None = None  # the most that it can have cost; None where the price is not known


class Fate(Enum):
    """What happens after a fault."""

    RETRY = "retry"  # send the request again, later
    FAIL = "fail"  # this request fails; the run goes on
    STOP = "stop"  # nothing new is sent; the run can be resumed


class Billed(Enum):
    """Whether an attempt that failed was paid for."""

    NO = "no"
    MAYBE = "maybe"
    YES = "yes"


class Fault(Exception):
    """A request that brought no usable answer: its kind, a message, its fate and what it may have cost.

    It is frozen: `but` makes a changed copy.
    """

    kind: str
    message: str
    fate: Fate
    billed: Billed
    wait: float | None  # seconds that the server told us to wait, None where it told none
    status: int  # the HTTP status, 0 where there was none
    body: bytes  # the raw body that came with it, which is kept in the journal
    advertised: ServerLimits | None  # what the headers said about limits
    counted: bool  # whether this try uses up one of the request's tries; not while the server may be down
    again: bool  # whether the same request has failed before, in an earlier run

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        fate: Fate = Fate.FAIL,
        billed: Billed = Billed.NO,
        wait: float | None = None,
        status: int = 0,
        body: bytes = b"",
        advertised: ServerLimits | None = None,
        counted: bool = True,
        again: bool = False,
    ) -> None:
        super().__init__(kind, message)
        vars(self).update(kind=kind, message=message, fate=fate, billed=billed, wait=wait, status=status)
        vars(self).update(body=body, advertised=advertised, counted=counted, again=again)

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("__"):  # what the interpreter itself sets: traceback, cause, notes
            raise AttributeError(f"a fault is not changed after it was made ({name})")
        super().__setattr__(name, value)

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"

    def but(self, **changes: Any) -> Self:
        """The same fault, with some of its parts changed."""
        parts = vars(self) | changes
        other = Exception.__new__(type(self), parts["kind"], parts["message"])
        vars(other).update(parts)
        return other


class Rejected(Fault):
    """The answers to a request were paid for, and none of them is usable."""

    requests: tuple[Request, ...]  # the requests that brought these answers, in the order they were sent
    known: bool  # whether nothing was sent in this run: the journal held them all
    best: str  # the best of the answers, for a person to look at; '' where none has a text
    item: int  # which item of the row they are about, from 1; 0 where the step has no items
    place: str  # the row at its step, for a person who writes its answer; '' where none can
    asked: str  # a digest of what was asked for it
    others: tuple[Rejected, ...]  # those of other items of the row

    def __init__(
        self, kind: str, message: str, *, requests: tuple[Request, ...], known: bool, fate: Fate = Fate.FAIL
    ) -> None:
        super().__init__(kind, message, fate=fate, billed=Billed.YES)
        vars(self).update(requests=requests, known=known, best="", item=0, place="", asked="", others=())


class Unanswered(Fault):
    """The journal holds no answer, and this walk (a plan, an export) sends nothing."""

    request: Request
    later: int  # requests of the same step that come after it, and depend on its answer

    def __init__(self, request: Request) -> None:
        super().__init__("pending", "not answered yet")
        vars(self).update(request=request, later=0)


Call: TypeAlias = Callable[[Request], Awaitable[Reply]]
LookUp: TypeAlias = Callable[[Sequence[Request]], Sequence[Reply | Fault]]
"""what is known of each of several requests, without sending anything"""
