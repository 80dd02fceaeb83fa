"""P24: every stop says why, what is done, and the command to go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.testing import Rule, Script
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

STOPS: list[tuple[int, str, dict[str, Any], tuple[str, ...], tuple[str, ...]]] = [
    (2, "", {}, ("--set", "max_faild=1"), ("unknown key 'max_faild'", "did you mean 'max_failed'?")),
    (3, "bad_request", {}, (), ("1 failed", "failures.csv")),
    (4, "unauthorized", {}, (), ("refused the key", "api_key_env names", "to go on: ")),
    (4, "", {"budget": {"requests": 1}}, (), ("1 of 1 are used", "raise it", "done: 1 row", "to go on: ")),
    (74, "", {}, ("--set", "output.to=/proc/posts.csv"), ("/proc/posts.csv: ",)),
    (75, "redirect", {}, (), ("never followed", "set base_url", "done: 2 rows", "to go on: ")),
]


@pytest.mark.parametrize(("code", "fault", "changes", "words", "said"), STOPS)
def test_p24_every_stop_says_why_what_is_safe_and_how_to_go_on(
    code: int,
    fault: str,
    changes: dict[str, Any],
    words: tuple[str, ...],
    said: tuple[str, ...],
    tmp_path: Path,
) -> None:
    project = Project(tmp_path)
    rule: Any = Rule(match="mug", fault=fault) if fault else Rule(match="nobody", fault="hang")
    with serve(Script(faults=(rule,))) as server:
        models = served(server.base_url, limits={"concurrency": 1})
        project.job(models=models, **changes)
        done = project.run("run", "job.yaml", *words)
    assert done.returncode == code, done.stderr
    for sentence in said:
        assert sentence in done.stdout + done.stderr, done.stderr
    if "to go on: " in said:
        command = done.stderr.partition("to go on: ")[2].splitlines()[0]
        assert command == "python -m pipeline run job.yaml"
