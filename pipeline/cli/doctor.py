"""The command that looks at a job from all sides: doctor.

This module looks at nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

import typer

from pipeline import __version__
from pipeline.cli import _common as common
from pipeline.cli import wording
from pipeline.core.display import safe_text

if TYPE_CHECKING:
    from pipeline.core.health import Check


def doctor(
    job_file: common.JobFile,
    sets: common.Sets = None,
    as_json: common.AsJson = False,
    untrusted: common.Untrusted = False,
    allow_host: common.AllowHost = None,
    allow_key: common.AllowKey = None,
) -> None:
    """Check a job's journal, lock, disk, keys, endpoints and clock, and say what to do."""
    from pipeline.runs.doctor import exit_code, looked_at

    load = partial(common.load_job, job_file, sets, None, common.stranger(untrusted, allow_host, allow_key))
    checks = list(looked_at(load, __version__))
    code = exit_code(checks)
    if as_json:
        common.print_json({"checks": [asdict(check) for check in checks], "exit_code": code})
    else:
        common.print_lines(_lines(checks))
    raise typer.Exit(code)


def _lines(checks: list[Check]) -> Iterator[str]:
    yield from wording.table(("state", "check", "what"), [(c.state, c.name, c.said) for c in checks])
    hints = [check for check in checks if check.hint]
    if hints:
        yield ""
    for check in hints:
        first, *others = check.hint.splitlines()
        yield safe_text(f"{check.state}: {check.name}: {first}")
        yield from (safe_text(f"  {line.strip()}") for line in others)
