"""What every adapter must have: one `Protocol` for each wing. An adapter is a module, and a module fits it.

A model is `job.models.Model`, a conversation is `wire.conversation.Conversation`, what a check looks at is
`answers.written.Written`: they are in folders that import this one, so they are not imported here.
`tests/contracts/test_adapters.py` checks every adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pipeline.core.document import Document, Policy
from pipeline.core.domain import Answer, Call, Request
from pipeline.core.health import Check as HealthCheck

if TYPE_CHECKING:
    import polars as pl
    from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file of rows is to be read, where its suffix does not say it."""

    separator: str = ""
    """'': the format's own"""
    encoding: str = ""
    """'': UTF-8"""
    sheet: str | int = 1
    """its name, or its number from 1"""
    header: int = 0
    """the number of the row that names the columns; 0: the first one that is not empty"""


AS_IT_IS = Reading()


class TableWriter(Protocol):
    """A file of rows that is being written."""

    def write(self, frame: pl.DataFrame) -> None:
        """Append the rows of a frame, which has the schema of the file."""

    def close(self) -> None:
        """End the file. Raises what went wrong with it."""


class TableFormat(Protocol):
    """A file of rows, both ways. The file name of the adapter is the ending of such files."""

    SPREADSHEET: bool
    """whether spreadsheet programs open it, and could run a cell as a formula"""
    READS: tuple[str, ...]
    """what it follows of a `Reading`"""

    def scan(self, path: Path, how: Reading = ..., /) -> pl.LazyFrame:
        """The rows of a file; `InputError` with the place of whatever is wrong in it."""

    def place(self, path: Path, row: int, how: Reading = ..., /) -> str:
        """Where the record number `row` (1-based) stands, for messages: "line 12"."""

    def guesses(self, path: Path, /) -> Iterator[Reading]:
        """How a file may be read that cannot be read as it is, the likeliest first."""

    def create(self, path: Path, target: Path, schema: pl.Schema) -> TableWriter:
        """Begin the file `path` that will become `target`; `JobError` for what the format cannot hold."""


class DocumentFormat(Protocol):
    """A file of text for people, both ways. A document of segments is in `core/document.py`."""

    SUFFIXES: tuple[str, ...]
    """the ends of the names of such files, with their dot, in lower case"""

    def recognises(self, name: str, content: bytes) -> bool:
        """Whether this file is one, where several formats share a suffix. It reads no more than it must."""

    def read(self, name: str, content: bytes, policy: Policy) -> Document:
        """The file taken apart; `InputError` with the line and what to do, where it cannot be."""


@dataclass(frozen=True, slots=True)
class BatchState:
    """A batch as its server sees it."""

    id: str
    status: Literal["waiting", "running", "ending", "completed", "failed", "expired", "cancelled"]
    """the last four are its end; `ending`: it is being cancelled, or its results are being written"""
    total: int = 0
    done: int = 0
    failed: int = 0
    files: tuple[str, ...] = ()
    """the names of its files of results; there can be some however it ended"""
    message: str = ""
    """why it failed, in the server's words"""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in ("completed", "failed", "expired", "cancelled")


class BatchApi(Protocol):
    """An endpoint that takes many requests in one file, and answers them within hours.

    Every call may raise a `Fault`. Where it is not known whether it was carried out, it is `Billed.MAYBE`.
    """

    vendor: Any
    """a `wire.batching.Vendor`: what it takes at once, and what it can do"""

    async def submit(self, file: Path, mark: str, api: str) -> BatchState:
        """Upload the file, and make a batch of it that carries the mark."""

    async def find(self, mark: str) -> BatchState | None:
        """The batch that carries the mark; None where the server's whole list has none."""

    async def look(self, batch: str) -> BatchState:
        """How it stands."""

    async def fetch(self, state: BatchState, into: Path) -> None:
        """Write all lines of its files of results, one after the other, into the file `into`."""

    async def cancel(self, batch: str) -> BatchState:
        """Ask for its end. What is under way may still be answered, and is paid for then."""


@dataclass(frozen=True)
class Capabilities:
    """What a provider can do, and its defaults where the job file says nothing."""

    apis: tuple[str, ...]
    """the dialects that it speaks, the usual one first"""
    concurrency: int | Literal["auto"] = "auto"
    """requests at once"""
    endpoints: bool = False
    """whether a model may have several"""
    free: bool = False
    """whether nothing is ever billed"""
    default_model: str | None = None
    """None where the job file must name a model"""
    model_prefix: str = ""
    """put before a model's name in requests: a rehearsal must never be taken for the real model"""
    keeps_signs: bool = False
    """whether an engine that only translates keeps Markdown signs, tags and masks"""
    cannot_translate: str = ""
    """why a step that translates cannot use it; '' where it can"""
    knows: Callable[[str, str], bool] = lambda source, target: True
    """whether it can translate from one language into another"""
    afar: Callable[[Any], bool] = lambda model: False
    """whether any process can send a model's requests: the provider keeps nothing that all of them need"""
    batches: Callable[[Any], AbstractAsyncContextManager[BatchApi]] | None = None
    """opens the batches of a model; None where it takes none"""
    vendor: Callable[[Any], Any] | None = None
    """what is known of the server of a model: a `wire.batching.Vendor`; None where there is no server"""


class Provider(Protocol):
    """Who answers requests. Retries, limits, prices and the journal are put around it."""

    CAPABILITIES: Capabilities
    Options: type[BaseModel]
    """the model's `options` in the job file"""

    def label(self, model: Any) -> str:
        """What the result says an answer came from."""

    def address(self, model: Any) -> str:
        """The address that is asked; '' where there is none."""

    def objection(self, request: Request, model: Any) -> str | None:
        """Why it can never serve this request; None where it can."""

    async def slots(self, model: Any) -> int:
        """How many requests its server works on at once, where that says so; else 0."""

    def connect(self, model: Any) -> AbstractAsyncContextManager[Call]:
        """A call: a `Request` in, a `Reply` out, or a `Fault` with its fate."""

    def health(self, model: Any) -> Iterator[HealthCheck]:
        """What `doctor` looks at, first of all on this machine, then elsewhere. Nothing is paid for."""


class Api(Protocol):
    """A dialect: the body of a request, and what a reply says."""

    def body(self, model: str, asked: Any, params: Mapping[str, Any]) -> dict[str, Any]:
        """The body of the request; `asked` is the conversation."""

    def read(self, raw: bytes, *, tokens: bool = True) -> Answer:
        """What the reply says, with token counts if `tokens`; a `Fault` where it says nothing usable."""


class StepKind(Protocol):
    """A kind of step: its keys in the job file, and what runs it."""

    KEYS: tuple[str, ...]
    """a step with one of these keys is of this kind"""
    Spec: type[Any]
    """its model in the job file, a `job.spec.Step`"""

    def build(self, spec: Any, models: Mapping[str, tuple[Any, ...]], template: Any) -> Any:
        """The step, ready to run: an `answers.asking.Runner`.

        `models`: each model that the step names, with its fallbacks; the step's own first.
        """


class Check(Protocol):
    """A test of an answer. A pure function, run again on every replay."""

    Options: type[BaseModel]
    """its settings in the job file"""

    def complaint(self, written: Any, options: Any) -> str | None:
        """What is wrong, in words for the model that wrote it, from "Your answer" on; None if nothing is.

        `options` is an `Options` in which no template is left.
        """


@dataclass(frozen=True, slots=True)
class Asks:
    """How another model is asked about answers."""

    model: str
    """its name in the job"""
    requests: int
    """its usual requests, where each of its answers can be used; each of them may be asked once more"""
    shown: int = 0
    """the most tokens that a request has beside the prompt and the answers"""
    told: int = 0
    """how many of its answers a complaint may quote"""
    open: str = ""
    """why no bound can be given for what it is shown; '' where one can"""


@dataclass(frozen=True, slots=True)
class Follows:
    """What may follow a question whose answers are rejected."""

    samples: int = 1
    """how many answers there are to it at most"""
    serial: bool = False
    """whether a sample is asked for where the one before it failed"""
    fresh_starts: int = 0
    continuations: int = 0
    escalate: tuple[str, ...] = ()
    judged: tuple[Asks, ...] = ()
    """who is asked about each answer"""
    picked: Asks | None = None
    """who compares the samples, two at a time"""


class AskedCheck(Protocol):
    """A test of an answer for which another model is asked. It is asked when all other checks have passed."""

    Options: type[BaseModel]
    """its settings in the job file"""

    def asks(self, options: Any) -> Asks:
        """The model that it asks about an answer, and how much of it."""

    def build(self, step: str, options: Any, models: Mapping[str, tuple[Any, ...]]) -> Any:
        """The check, ready to ask: an `answers.checking.Asked`. `models`: each with its fallbacks."""
