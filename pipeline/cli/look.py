"""The commands that look at a job and its results, or steer a live run; nothing is paid for.

This module runs nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import asdict
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline import __version__
from pipeline.cli import _common as common
from pipeline.cli import handing, run, wording
from pipeline.core.display import safe_text
from pipeline.core.errors import JobError, PipelineError
from pipeline.core.suggest import nearest

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.core.health import Check
    from pipeline.job.spec import Job
    from pipeline.runs.reviewing.story import Chapter


def plan(
    job_file: common.JobFile,
    sets: common.Sets = None,
    limit: common.Limit = None,
    as_json: common.AsJson = False,
    retry_failed: common.RetryFailed = False,
    allow_code: common.AllowCode = False,
    untrusted: common.Untrusted = False,
    allow_host: common.AllowHost = None,
    allow_key: common.AllowKey = None,
) -> None:
    """Show what is answered, what is missing, and how many tokens that needs. Nothing is sent."""
    job = common.load_job(
        job_file, sets, limit, common.stranger(untrusted, allow_host, allow_key), allow_code
    )
    show_plan(job, as_json, retry_failed)


def show_plan(job: Job, as_json: bool, retry_failed: bool) -> None:
    """Print what a run of the job would send."""
    from pipeline import api

    counted = api.plan(job, retry_failed=retry_failed)
    common.print_warnings(counted.warnings)
    common.show(as_json, wording.numbers_of_plan(counted), wording.of_plan(counted))


def export(
    job_file: common.JobFile,
    sets: common.Sets = None,
    limit: common.Limit = None,
    as_json: common.AsJson = False,
    fine_tune: handing.FineTune = None,
    preference: handing.Preference = None,
    step: handing.Step = "",
    split: handing.Split = None,
    seed: handing.Seed = None,
    with_soft: handing.WithSoft = False,
    allow_code: common.AllowCode = False,
    untrusted: common.Untrusted = False,
    allow_host: common.AllowHost = None,
    allow_key: common.AllowKey = None,
) -> None:
    """Write the table from what is answered so far, or files for fine-tuning. Nothing is sent."""
    wishes = handing.wishes(fine_tune, preference, split, seed, with_soft)
    job = common.load_job(
        job_file, sets, limit, common.stranger(untrusted, allow_host, allow_key), allow_code
    )
    if wishes:
        handing.hand_on(job, step, wishes, as_json)
        return
    if step:
        raise JobError("works only with --fine-tune or --preference", where="--step")
    from pipeline import api

    common.show_result(api.export(job), as_json)


_OnlyStep = Annotated[
    str | None,
    typer.Option(
        "--step",
        metavar="STEP",
        help="Only what this step wrote, or failed at.",
        autocompletion=common.steps_of,
    ),
]


_TheKey = Annotated[
    str | None, typer.Argument(metavar="[KEY]", help="The same as --key.", show_default=False)
]
_Explain = Annotated[
    bool,
    typer.Option(
        "--explain", help="Also unusable answers and reasoning; with a key the whole story of the record."
    ),
]


def show(
    job_file: common.JobFile,
    key_of: _TheKey = None,
    sets: common.Sets = None,
    rows: Annotated[
        int,
        typer.Option("--rows", metavar="N", parser=common.whole("--rows", 1), help="How many rows to show."),
    ] = 5,
    failed: Annotated[bool, typer.Option("--failed", help="Only rows that failed.")] = False,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="Only this record; several columns as JSON.")
    ] = None,
    step: _OnlyStep = None,
    explain: _Explain = False,
    full: Annotated[bool, typer.Option("--full", help="Cut no long text off in a story.")] = False,
    as_json: common.AsJson = False,
    allow_code: common.AllowCode = False,
    untrusted: common.Untrusted = False,
    allow_host: common.AllowHost = None,
    allow_key: common.AllowKey = None,
) -> None:
    """Show rows of the result: what the steps have written, and why rows failed."""
    key = key_of if key is None else key
    if full and not (explain and key is not None):
        raise JobError("only the story of a record is cut off", where="--full", hint="show JOB --explain KEY")
    job = common.load_job(job_file, sets, None, common.stranger(untrusted, allow_host, allow_key), allow_code)
    from pipeline.output.published import shown_of
    from pipeline.runs.explain import keys_of, words_of

    steps = [one.name for one in job.steps]
    if step is not None and step not in steps:
        hint = nearest(step, steps) or f"steps: {', '.join(steps)}"
        raise JobError(f"there is no step '{step}'", where="--step", hint=hint)
    shown = shown_of(job, failed=failed, key=key, step=step, most=rows)
    if shown is None:
        raise _no_result(job, job_file, sets)
    chosen = steps if step is None else [step]
    story = _story(job, keys_of(job, shown.rows)[0], chosen) if explain and key is not None else []
    found = None
    if not story and (explain or key is not None):
        with nullcontext() if explain else suppress(PipelineError):  # the row itself can be shown
            found = words_of(job, shown.rows, chosen, explain)
    lines = chain(
        wording.of_rows(job, shown, chosen, found, explain and not story), wording.of_story(story, full)
    )
    common.show(as_json, wording.numbers_of_rows(job, shown, chosen, found, story), lines)


def _story(job: Job, key: str, steps: list[str]) -> list[Chapter]:
    """What was asked, answered and decided for one record at these steps."""
    from pipeline.runs.reviewing.story import story_of
    from pipeline.runs.session import Session

    return [chapter for chapter in story_of(Session.open(job), key) if chapter.step in ("", *steps)]


def _no_result(job: Job, job_file: Path, sets: list[str] | None) -> JobError:
    words = [str(job_file), *(word for one in sets or () for word in ("--set", one))]
    begun = (job.folder / "journal.sqlite").exists()
    way = f"{'write what is answered so far' if begun else 'run it first'}: "
    hint = way + run.command_of(["export" if begun else "run", *words])
    return JobError(f"'{job.name}' has no result yet", where=str(job_file), hint=hint)


def status(
    job_file: common.JobFile,
    sets: common.Sets = None,
    as_json: common.AsJson = False,
    untrusted: common.Untrusted = False,
    allow_host: common.AllowHost = None,
    allow_key: common.AllowKey = None,
) -> None:
    """Show the state of a job: whether it runs, how its last run ended, what the journal holds."""
    job = common.load_job(job_file, sets, None, common.stranger(untrusted, allow_host, allow_key, asks=False))
    from pipeline.runs.status import status_of

    report = status_of(job)
    common.show(as_json, report, wording.of_status(report))


def doctor(
    job_file: common.JobFile,
    sets: common.Sets = None,
    as_json: common.AsJson = False,
    allow_code: common.AllowCode = False,
    untrusted: common.Untrusted = False,
    allow_host: common.AllowHost = None,
    allow_key: common.AllowKey = None,
) -> None:
    """Check a job's journal, lock, disk, keys, endpoints and clock, and say what to do."""
    from pipeline.runs.doctor import exit_code, looked_at

    load = partial(
        common.load_job, job_file, sets, None, common.stranger(untrusted, allow_host, allow_key), allow_code
    )
    checks = list(looked_at(load, __version__))
    code = exit_code(checks)
    common.show(as_json, {"checks": list(map(asdict, checks))}, _of_checks(checks), code)
    raise typer.Exit(code)


def _of_checks(checks: list[Check]) -> Iterator[str]:
    yield from wording.table(("state", "check", "what"), [(c.state, c.name, c.said) for c in checks])
    hints = [check for check in checks if check.hint]
    if hints:
        yield ""
    for check in hints:
        first, *others = check.hint.splitlines()
        yield safe_text(f"{check.state}: {check.name}: {first}")
        yield from (safe_text(f"  {line.strip()}") for line in others)


_VERB = typer.Argument(
    metavar="VERB",
    help="pause, resume, stop, cancel, set KEY=VALUE, status.",
    autocompletion=lambda: ["pause", "resume", "stop", "cancel", "set", "status"],
)


def _cancelled(job: Job) -> tuple[dict[str, Any], list[str]]:
    """End the batches of a job that nobody runs, for instance after `run --detach`."""
    from pipeline import api
    from pipeline.runs.state import Wish

    said: list[str] = []
    api.run(job, say=said.append, wish=Wish(cancel=True))
    said = said or ["no batch is under way"]
    return {"said": "\n".join(said)}, list(map(safe_text, said))


def ctl(
    job_file: common.JobFile,
    verb: Annotated[str, _VERB],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE")] = None,
    sets: common.Sets = None,
    untrusted: common.Untrusted = False,
    as_json: common.AsJson = False,
) -> None:
    """Steer a live run from another terminal. For example: ctl JOB set budget.cost=30."""
    from pipeline.runs.control.client import VERBS, command
    from pipeline.system.lock import holder

    if str(job_file) in VERBS and not job_file.exists():
        hint = f"the job file comes first: pipeline ctl {verb} {job_file}"
        raise JobError(f"'{job_file}' is a command, not a job file", where="pipeline ctl", hint=hint)
    job = common.load_job(job_file, sets, None, common.stranger(untrusted, None, None, asks=False))

    if verb == "cancel" and not holder(job.folder):
        common.show(as_json, *_cancelled(job))
        return
    answer = command(job.folder, verb, *(arguments or ()), file=job_file)
    said = answer.get("said")
    lines = map(safe_text, said.splitlines()) if said is not None else wording.of_live(answer)
    common.show(as_json, answer, lines)
