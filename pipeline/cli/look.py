"""The commands that look at a job and its results, or steer a live run; nothing is paid for.

This module runs nothing itself.
"""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from pipeline.cli import _common as common
from pipeline.cli import wording
from pipeline.core.display import safe_text
from pipeline.core.errors import JobError


def plan(
    job_file: common.JobFile,
    sets: common.Sets = None,
    limit: common.Limit = None,
    as_json: common.AsJson = False,
    retry_failed: common.RetryFailed = False,
    untrusted: common.Untrusted = False,
    allow_host: common.AllowHost = None,
    allow_key: common.AllowKey = None,
) -> None:
    """Show what is answered, what is missing, and how many tokens that needs. Nothing is sent."""
    job = common.load_job(job_file, sets, limit, common.stranger(untrusted, allow_host, allow_key))
    from pipeline import api

    counted = api.plan(job, retry_failed=retry_failed)
    common.print_warnings(counted.warnings)
    if as_json:
        common.print_json(wording.numbers_of_plan(counted))
    else:
        common.print_lines(wording.of_plan(counted))


def export(
    job_file: common.JobFile,
    sets: common.Sets = None,
    limit: common.Limit = None,
    as_json: common.AsJson = False,
    untrusted: common.Untrusted = False,
    allow_host: common.AllowHost = None,
    allow_key: common.AllowKey = None,
) -> None:
    """Write the table from what is answered so far. Nothing is sent."""
    job = common.load_job(job_file, sets, limit, common.stranger(untrusted, allow_host, allow_key))
    from pipeline import api

    result = api.export(job)
    common.show_result(result, as_json)


def show(
    job_file: common.JobFile,
    sets: common.Sets = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="How many rows to show.")] = 5,
    untrusted: common.Untrusted = False,
    allow_host: common.AllowHost = None,
    allow_key: common.AllowKey = None,
) -> None:
    """Show the first rows of the result: what the steps have written."""
    job = common.load_job(job_file, sets, None, common.stranger(untrusted, allow_host, allow_key))
    from pipeline.runs.result import result_frame

    if not job.targets[0].exists():
        hint = f"run it first: pipeline run {shlex.quote(str(job_file))}"
        raise JobError("there is no result yet", where=str(job_file), hint=hint)
    common.print_lines(wording.of_rows(job, result_frame(job.targets[0]).head(rows)))


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
    if as_json:
        common.print_json(report)
    else:
        common.print_lines(wording.of_status(report))


def ctl(
    job_file: common.JobFile,
    verb: Annotated[str, typer.Argument(metavar="VERB", help="pause, resume, stop, set KEY=VALUE, status.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE")] = None,
    sets: common.Sets = None,
    untrusted: common.Untrusted = False,
    as_json: common.AsJson = False,
) -> None:
    """Steer a live run from another terminal: set models.writer.limits.rpm=900, budget.cost=30, …"""
    job = common.load_job(job_file, sets, None, common.stranger(untrusted, None, None, asks=False))
    from pipeline.runs.control.client import command

    answer = command(job.folder, verb, *(arguments or ()), file=job_file)
    if as_json:
        common.print_json(answer)
    else:
        said = answer.get("said")
        common.print_lines(map(safe_text, said.splitlines()) if said is not None else wording.of_live(answer))
