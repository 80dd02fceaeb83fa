"""What a command runs: it locks a job's folder, opens its journal, and does a run or an export.

Running and exporting are the same walk over a job. This module prints nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from pipeline.core.display import counted
from pipeline.core.errors import Detached, DiskError, PipelineError, RunStopped, one_error
from pipeline.core.progress import Progress
from pipeline.job.files import Sample
from pipeline.job.spec import Job
from pipeline.journal import accounts, recall
from pipeline.journal.events import events_to
from pipeline.journal.journal import Damage, Journal
from pipeline.records.opening import Rows
from pipeline.runs.crowd.rounds import Rounds
from pipeline.runs.ending.ending import ending
from pipeline.runs.live import Run
from pipeline.runs.pilot import Asked, Pilot, extrapolated
from pipeline.runs.plan import plan_async
from pipeline.runs.publish import publish
from pipeline.runs.result import Result
from pipeline.runs.session import Session
from pipeline.runs.state import Wish
from pipeline.system.lock import locked

FINISHED = "finished"
CANCELLED = "cancelled"
PILOT_SEED = 20


async def run_async(
    job: Job,
    records: Rows | None = None,
    *,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
    wish: Wish | None = None,
) -> Result:
    """Run a job to its end and write its table; what the journal knows is not asked again.

    An answer that was paid for and rejected (cut off, refused, not fitting) is judged again but asked for
    again only with `wish.retry_failed`, because it costs money; requests that failed unpaid are always tried.

    `records` takes the place of the file that the job names. Raises `JobError` and `InputError` before
    anything is sent, `Locked`, `DiskError`, and `RunStopped` (or `OutOfQuota`, `Interrupted`) when the run
    can go on later. Rows that failed are in the result, which says so.
    """
    progress, told, wish = progress or Progress(), say or (lambda _: None), wish or Wish()
    async with ending(job, wish, progress, told) as end:
        session = Session.open(job, records)
        if wish.pilot:
            session.source.choose(Sample(n=wish.pilot.n, seed=PILOT_SEED), None)
        with (
            locked(job.folder),
            events_to(job.folder / "events.jsonl") as events,
            closing(Journal.open(job.folder / "journal.sqlite")) as journal,
        ):
            run = end.run = Run(session, journal, end.heard_by(events), progress, told, wish)
            journal.on_damage = partial(_damaged, run)
            with _noted(run), one_error():
                end.result = await run.conduct()
        return end.result


async def pilot_async(
    job: Job,
    records: Rows | None = None,
    *,
    n: int,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
    until: float | None = None,
) -> Pilot:
    """Really run `n` records, drawn at random, and say what the rest will cost; no table is written.

    The estimate counts all that these records have surely cost, also in earlier runs. The answers are in the
    journal, so the run that follows does not pay for them again.
    """
    asked = Asked(n)
    progress = progress or Progress()
    wish = Wish(until=until, pilot=asked)
    result = await run_async(job, records, progress=progress, say=say, wish=wish)
    if result.pending:
        what = f"the pilot says nothing of the cost: open batches hold {counted(result.pending, 'row')} of it"
        raise RunStopped(what, hint="run the job; when its batches are collected, a pilot can be run again")
    rest = (await plan_async(job, records)).unfinished
    with closing(Journal.read_only(job.folder / "journal.sqlite")) as journal:
        costs = [accounts.of_requests(journal, digests) for digests in asked.by_record.values()]
    return Pilot(
        records=len(costs),
        rest=rest,
        requests=result.sent,
        ok=result.ok,
        failed=result.failed,
        spent=progress.cost,
        priced=not any(unpriced for _, _, unpriced, _ in costs),
        cost=extrapolated([cost for cost, *_ in costs], rest),
        tokens=extrapolated([tokens for _, tokens, *_ in costs], rest),
        maybe=sum(maybe for *_, maybe in costs),
    )


def _damaged(run: Run, damage: Damage) -> None:
    """Say once that a damaged row of the journal is not used."""
    run.events.warning("journal.damaged", seq=damage.seq, step=damage.step, key=damage.record)
    if len(run.journal.damaged) == 1:
        run.say(
            f"row {damage.seq} of the journal (step {damage.step}, record {damage.record}) is damaged: it is "
            "not used, and its request is sent again; `pipeline journal verify` names all such rows"
        )


def refuse_damaged(path: Path, damage: Damage) -> None:
    row = f"row {damage.seq} (step {damage.step}, record {damage.record}) does not match its checksum"
    hint = (
        "put a copy of the journal back, or run the job: it asks for such answers, and pays for them, again; "
        "`pipeline journal verify` names them"
    )
    raise DiskError(f"the journal is damaged: {row}", where=str(path), hint=hint)


@contextmanager
def _noted(run: Run) -> Iterator[None]:
    """Note in journal and events how the run began and ended."""
    digest = job_digest(run.session.job)
    last = run.journal.last_run()
    if last is not None and last.job != digest and not run.wish.cancel:
        run.say("the job has changed since its last run; only what depends on the change is asked again")
    run.journal.begin_run(digest)
    code = run.session.job.code.said
    run.events.info("run.started", job=run.session.job.name, **({"code": code} if code else {}))
    outcome = "failed"
    try:
        yield
        outcome = "pilot" if run.wish.pilot else CANCELLED if run.wish.cancel else FINISHED
    except PipelineError as error:
        run.stopped, outcome = error.what, error.outcome
        if run.night is not None and not isinstance(error, Detached):
            error.hint = "\n  ".join(filter(None, [error.hint, run.night.goes_on_without()]))
        raise
    finally:
        run.ended = outcome
        run.journal.end_run(outcome, run.numbers())
        t = run.progress
        run.events.info("run.ended", outcome=outcome, ok=t.ok, failed=t.failed, sent=t.sent)


def job_digest(job: Job) -> bytes:
    """What the job asks for, as a digest: records, limits and the output are no part of it."""
    steps = [step.model_dump_json(warnings=False) for step in job.steps]
    models = [(name, m.model, m.api, sorted(m.params.items(), key=str)) for name, m in job.models.items()]
    return sha256(repr((steps, models)).encode("utf-8", "surrogatepass")).digest()


async def export_async(job: Job, records: Rows | None = None, *, without: Collection[str] = ()) -> Result:
    """Write the table from the journal alone, also while the job runs, leaving out the keys in `without`.

    `DiskError` at a damaged answer: it would be pending.
    """
    session = Session.open(job, records)
    with closing(Journal.read_only(job.folder / "journal.sqlite")) as journal:
        last = journal.last_run()
        given_up = last is not None and last.outcome == FINISHED
        progress = Progress()
        if not without:  # else a record could not be forgotten
            journal.on_damage = partial(refuse_damaged, journal.path)
        await Rounds.of(session, without).follow(recall.exporting(journal, Progress(), given_up=given_up))
        look_up = recall.exporting(journal, progress, given_up=given_up)
        result = await publish(session, look_up, journal, progress, exported=True, without=without)
    assert result is not None  # noqa: S101 - it is None only with `only_complete`
    return replace(result, recalled=progress.recalled)
