"""The end of a run, however it ends: its telemetry is sent, and whoever the job names is told.

By then everything is on the disk, and the job's folder is free for the next run. What goes wrong here is said
in one line and noted in `events.jsonl`; it changes neither the result nor the exit code.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from anyio import CancelScope

from pipeline.core.errors import DiskError, JobError, Locked
from pipeline.core.progress import Progress
from pipeline.job.outside.on_end import OnEnd, keys_of
from pipeline.job.spec import Job
from pipeline.journal.events import Events, events_to
from pipeline.runs.ending.facts import as_text, code_of, facts_of, outcome_of
from pipeline.runs.ending.telemetry import Telemetry, telemetry_of
from pipeline.runs.ending.telling import Hook, program_of, ran
from pipeline.runs.result import Result
from pipeline.runs.state import RunState, Wish
from pipeline.system.signals import heard

OFFICIAL = "OPENAI_API_KEY"  # a key that a job need not name


class Ending:
    """What a run leaves here for its end; `JobError` where somebody could not be told."""

    def __init__(self, job: Job, wish: Wish, progress: Progress, say: Callable[[str], None]) -> None:
        self.run: RunState | None = None
        self.result: Result | None = None
        self._job, self._progress, self._say = job, progress, say
        self._began = time.monotonic()
        self._told = () if wish.pilot else tuple(listeners_of(job))
        self._telemetry: Telemetry | None = telemetry_of(job, progress) if wish.otel else None

    def heard_by(self, events: Events) -> Events:
        """The events, also for telemetry where that is wanted."""
        return self._telemetry.listening(events) if self._telemetry else events

    async def over(self, error: BaseException | None) -> None:
        """Tell everybody; a signal ends that."""
        code, outcome = code_of(error, self.result), outcome_of(error, self.run)
        wanted = [one for one in self._told if one[0].wanted(code, outcome)]
        with CancelScope(shield=True) as scope, heard(lambda _: scope.cancel(), anew=True):
            if self._telemetry and not await self._telemetry.ended(outcome, code):
                self._note("OpenTelemetry", "not all of it could be sent", [])
            if not wanted:
                return
            seconds = time.monotonic() - self._began
            facts = facts_of(self._job, self._progress, self.run, self.result, error, seconds)
            body = json.dumps(facts).encode()
            for spec, hook in wanted:
                if hook:
                    name, (why, lines) = hook.name, (await hook.tell(body), list[str]())
                else:
                    name, (why, lines) = f"the command {spec.command[0]}", await self._run(spec, facts, body)
                self._note(name, why, lines)

    async def _run(self, spec: OnEnd, facts: dict[str, Any], body: bytes) -> tuple[str, list[str]]:
        said = {name: as_text(value) for name, value in facts.items()}
        keys = {*keys_of(self._job.model_dump(warnings=False)), OFFICIAL}
        secrets = {os.environ.get(name) for name in keys} - {None, ""}
        environment = {n: v for n, v in os.environ.items() if n not in keys and v not in secrets}
        environment |= {f"PIPELINE_{name.upper()}": value for name, value in said.items()}
        return await ran(spec.arguments(said), self._job.file.parent, environment, body, float(spec.timeout))

    def _note(self, name: str, why: str, lines: list[str]) -> None:
        """Say and note what went wrong; note what went well."""
        with suppress(DiskError), events_to(self._job.folder / "events.jsonl") as events:
            if why:
                events.warning("on_end.failed", who=name, why=why)
            else:
                events.info("on_end.told", who=name)
        if why:
            self._say(f"at the end: {name}: {why}")
        for line in lines:
            self._say(f"  {line}")


def listeners_of(job: Job, *, runs: bool = True) -> Iterator[tuple[OnEnd, Hook | None]]:
    """Whom the job wants to be told; `JobError` where that cannot be. Nothing is sent.

    Without `runs` nobody is told now: variables may be missing, and code need not be allowed.
    """
    for i, spec in enumerate(job.on_end):
        where = job.text.where(("on_end", i) if len(job.on_end) > 1 else ("on_end",))
        if spec.command:
            program_of(spec, job.file.parent, where)
            if runs and not job.allows_code:
                hint = "if you trust it, add --allow-code (in Python: allow_code=True)"
                what = f"the job would run the command {spec.command[0]} at its end"
                raise JobError(what, where=where, hint=hint)
        yield spec, Hook(spec, where) if spec.webhook and runs else None


@asynccontextmanager
async def ending(
    job: Job, wish: Wish, progress: Progress, say: Callable[[str], None]
) -> AsyncIterator[Ending]:
    """Around a run: whoever wants to know is told of its end, but not where another run has the folder."""
    end = Ending(job, wish, progress, say)
    try:
        yield end
    except (Locked, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        await end.over(error)
        raise
    else:
        await end.over(None)
