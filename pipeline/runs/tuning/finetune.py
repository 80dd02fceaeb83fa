"""Makes a model of accepted answers: files, their upload, the fine-tuning job, and its end.

Training is paid for, so it is never asked for twice. Before the job is asked for, that is noted on the disk.
Where it is not known whether the server has made the job (a kill, a lost reply, an error of the server), the
server's list of jobs is searched for the marker and the file that only this job has. It is asked for again
only when the list, some time later, does not have it. This module does not know what stands in the files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import file_digest
from pathlib import Path
from secrets import token_hex
from time import sleep, time
from typing import TYPE_CHECKING, Any

from pipeline.core.display import safe_text
from pipeline.core.domain import Billed, Fate, Fault
from pipeline.core.errors import JobError, KeyRefused, OutOfQuota, RunStopped
from pipeline.job.endpoints import places_of
from pipeline.job.models import Model
from pipeline.job.spec import Job
from pipeline.providers import openai
from pipeline.runs.tuning.examples import step_index
from pipeline.runs.tuning.files import FEWEST, Handed, Wanted
from pipeline.runs.tuning.state import REFUSED, SUCCEEDED, Order, State, Tuned, load
from pipeline.system.lock import locked
from pipeline.wire.faults import certainly_nothing

if TYPE_CHECKING:
    from pipeline.providers.http.rest import Rest

POLL = 10.0  # seconds from one look at the job to the next
MOST_MISSED = 30  # looks in a row that bring nothing
LOOKS = (
    1.0,
    5.0,
    15.0,
)  # seconds before each look at the list, after a request that may have been carried out
SETTLED = 120.0  # seconds after which a list of jobs has all that were made
PAGES, PAGE = 20, 100
JOBS, FILES = "/fine_tuning/jobs", "/files"
_NAME = re.compile(r"[A-Za-z0-9][\w.:/-]{0,299}")
_KINDS = {"unauthorized": KeyRefused, "forbidden": KeyRefused, "out_of_quota": OutOfQuota}


Write = Callable[[str, Sequence[Wanted]], list[Handed]]
"""writes the files of a step's examples"""
Agree = Callable[[Handed, str, int | None], None]
"""told of the examples, the base model and the epochs: raises where the training is not wanted"""


def finetune(job: Job, order: Order, write: Write, agree: Agree, say: Callable[[str], None]) -> Tuned:
    """Make the model, or go on with one that is being made; raises `JobError` and `RunStopped`.

    A `KeyboardInterrupt` leaves the fine-tuning job running; the same call goes on with it.
    """
    step = job.steps[step_index(job, order.step)]
    name = order.model or step.model
    if name not in job.models:
        raise JobError(
            f"there is no model '{name}'", where="--model", hint=f"models: {', '.join(job.models)}"
        )
    model = places_of(name, job.models[name])[0].model
    if model.provider != "openai":
        hint = "name a model of provider: openai, at a server that trains models"
        raise JobError(f"a model of {model.provider} cannot be trained", where="--model", hint=hint)
    folder = job.folder / "tuning"
    with locked(folder), openai.rest(model) as rest:
        tuning = _Tuning(rest, folder / f"{step.name}.json", say)
        tuning.begin(job.name, model, order, lambda wanted: write(step.name, [wanted])[0], agree)
        tuning.upload()
        tuning.create()
        return Tuned(name, tuning.follow(), tuning.state.job)


class _Tuning:
    """One fine-tuning job, with its state on the disk."""

    state: State

    def __init__(self, rest: Rest, path: Path, say: Callable[[str], None]) -> None:
        self._rest, self._path, self._say = rest, path, say

    def _file(self, role: str) -> Path:
        return self._path.with_suffix(".jsonl" if role == "training" else ".validation.jsonl")

    def begin(
        self, job: str, model: Model, order: Order, write: Callable[[Wanted], Handed], agree: Agree
    ) -> None:
        """Take up what is under way, or write the files and note what is wanted."""
        wanted = {
            "address": openai.address(model),
            "base": order.base or model.model,
            "suffix": order.suffix,
            "epochs": order.epochs,
            "split": order.share,
            "seed": order.seed,
            "with_soft": order.with_soft,
        }
        before = load(self._path)
        if before and not before.ended:
            if before.wanted != wanted:
                said = ", ".join(f"{key} {value}" for key, value in before.wanted.items() if value)
                hint = f"end that one first, with its own options: {said}"
                raise JobError(
                    "another fine-tuning of this step is under way", where=str(self._path), hint=hint
                )
            self.state = before
            self._say("going on with the fine-tuning that is under way; later answers are not in it")
            return
        training = self._file("training")
        handed = write(Wanted(training, "chat", order.share, order.seed, order.with_soft))
        files = {
            role: _digest(path) for role, path in zip(("training", "validation"), handed.files, strict=False)
        }
        if before and not order.again and (before.wanted, before.files) == (wanted, files):
            self.state = before
            return
        if handed.training < FEWEST:
            what = f"{handed.training} examples are too few: at least {FEWEST} are needed"
            raise JobError(what, where=str(training))
        agree(handed, str(wanted["base"]), order.epochs)
        marker = f"{job[:40]}-{token_hex(8)}"
        self.state = State(marker, wanted, files, time())
        self._save()

    def _save(self) -> None:
        self.state.save(self._path)

    def upload(self) -> None:
        """Upload the files that are not there yet. That costs nothing, so one that is lost does no harm."""
        for role, digest in self.state.files.items():
            if role in self.state.uploaded or self.state.ended:
                continue
            path = self._file(role)
            if not path.exists() or _digest(path) != digest:
                hint = f"move {self._path.name} away to begin anew; nothing is trained yet"
                raise JobError("the file was changed since it was written", where=str(path), hint=hint)
            self._say(f"uploading {path.name}")
            with path.open("rb") as file, _errors("the upload"):
                said = self._rest.upload(
                    FILES, f"{self.state.marker}-{role}.jsonl", file, purpose="fine-tune"
                )
                self.state.uploaded[role] = _name_in(said, "id")
            self._save()

    def create(self) -> None:
        """Ask for the job, unless that was done; only one is ever paid for."""
        state = self.state
        if state.job or state.ended:
            return
        if state.tried:
            if self._found() or self._found(after=min(SETTLED, SETTLED - (time() - state.tried))):
                return
            self._say("the server does not list the job that was asked for; it is asked for again")
        state.tried = time()
        self._save()
        try:
            state.job = _name_in(self._rest.post(JOBS, body_of(state)), "id")
        except Fault as fault:
            if certainly_nothing(fault):
                state.tried = 0.0
                if fault.fate is Fate.FAIL:
                    state.status, state.error = REFUSED, fault.message
                self._save()
                raise _error(fault, "the fine-tuning job") from None
            self._say(f"{fault.message}; looking whether the job was made all the same")
            if not any(self._found(after=pause) for pause in LOOKS):
                hint = "the same command looks again, and asks again only if it was not"
                raise RunStopped("it is not known whether the fine-tuning job was made", hint=hint) from None
        self._save()

    def _found(self, after: float = 0.0) -> bool:
        """Whether the server's list has the job; then it is taken up."""
        if after > 0:
            sleep(after)
        with _errors("the list of fine-tuning jobs", later=True):
            for one in self._listed():
                marked = isinstance(one.get("metadata"), dict) and one["metadata"].get("pipeline")
                if marked == self.state.marker or one.get("training_file") == self.state.uploaded["training"]:
                    self.state.job = _name_in(one, "id")
                    self._save()
                    return True
        return False

    def _listed(self) -> Iterator[dict[str, Any]]:
        after: dict[str, str] = {}
        for _ in range(PAGES):
            page = self._rest.get(JOBS, limit=PAGE, **after)
            if not isinstance(page.get("data"), list):
                raise Fault("unreadable", "the list of fine-tuning jobs cannot be read")
            jobs = [one for one in page["data"] if isinstance(one, dict)]
            yield from jobs
            if not jobs or page.get("has_more") is not True:
                return
            after = {"after": _name_in(jobs[-1], "id")}
        raise Fault("unreadable", "the list of fine-tuning jobs has no end")

    def follow(self) -> str:
        """Wait for the end of the job; the name of the model. Raises `JobError` where there is none."""
        state, missed, told = self.state, 0, ""
        while not state.ended:
            try:
                said = self._rest.get(f"{JOBS}/{state.job}")
                status = _name_in(said, "status")
                if status == SUCCEEDED:
                    state.model = _name_in(said, "fine_tuned_model")
            except Fault as fault:
                missed += 1
                if fault.fate is Fate.STOP or missed > MOST_MISSED:
                    raise _error(fault, f"the fine-tuning job {state.job} goes on at the server") from None
            else:
                error, missed = said.get("error"), 0
                state.error = str(error.get("message") or "") if isinstance(error, dict) else ""
                state.status = status
                self._save()
                line = f"{state.job}: {status}{self._event()}"
                if line != told:
                    self._say(safe_text(line))
                told = line
            if not state.ended:
                sleep(POLL)
        if state.status != SUCCEEDED:
            why = f": {safe_text(state.error)[:300]}" if state.error else ""
            hint = "to begin anew, add --again"
            raise JobError(
                f"the fine-tuning job {state.job} is {state.status}{why}", where="finetune", hint=hint
            )
        return state.model

    def _event(self) -> str:
        """The last thing that happened to the job, in the server's words."""
        with suppress(Fault, AttributeError, IndexError, KeyError, TypeError):
            return (
                f", {self._rest.get(f'{JOBS}/{self.state.job}/events', limit=1)['data'][0]['message'][:200]}"
            )
        return ""


def body_of(state: State) -> dict[str, Any]:
    """The request for a fine-tuning job."""
    settings = {"n_epochs": state.wanted["epochs"]} if state.wanted["epochs"] else {}
    method = {"type": "supervised", "supervised": {"hyperparameters": settings}}
    files = {f"{role}_file": name for role, name in state.uploaded.items()}
    suffix = {"suffix": state.wanted["suffix"]} if state.wanted["suffix"] else {}
    own = {"method": method} if settings else {}
    return {"model": state.wanted["base"], **files, **suffix, **own, "metadata": {"pipeline": state.marker}}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _name_in(said: dict[str, Any], key: str) -> str:
    """A name that the server gives; a `Fault` where it is none. It may stand in an address and a job file."""
    name = said.get(key)
    if not isinstance(name, str) or not _NAME.fullmatch(name) or ".." in name:
        raise Fault("unreadable", f"the server's reply has no usable '{key}'", billed=Billed.MAYBE)
    return name


def _error(fault: Fault, what: str, *, later: bool = False) -> JobError | RunStopped:
    """The error for a fault: a person must mend it, or the same command goes on later."""
    said = f"{what}: {fault.message}"
    if kind := _KINDS.get(fault.kind):
        return kind(said)
    if later or fault.fate is Fate.RETRY or fault.billed is not Billed.NO:
        return RunStopped(said, hint="the same command goes on")
    return JobError(said)


@contextmanager
def _errors(what: str, *, later: bool = False) -> Iterator[None]:
    try:
        yield
    except Fault as fault:
        raise _error(fault, what, later=later) from None
