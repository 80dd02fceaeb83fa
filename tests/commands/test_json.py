"""With --json every command prints one object, also when it fails, and its exit code is in it."""

from __future__ import annotations

import json
import re

import pytest

from pipeline.cli import app
from pipeline.core.errors import EXIT_CODES
from tests.support import ROOT
from tests.support.project import Project

FOR_PEOPLE = {"new", "schema", "kinds"}
"""commands whose result is not for programs, or is a document of its own"""
JOB = {
    "run": [], "plan": [], "export": [], "show": [], "status": [], "check": [], "doctor": [],
    "ctl": ["status"], "finetune": ["--step", "post"], "journal verify": [],
}  # fmt: skip


def commands() -> dict[str, str]:
    """Each command with its help."""
    parts = re.split(
        r"^## pipeline (.+)$", (ROOT / "docs/commands.md").read_text("utf-8"), flags=re.MULTILINE
    )
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_command_for_programs_has_json() -> None:
    assert len(commands()) >= len(app.registered_commands)
    assert {name for name, text in commands().items() if "--json" not in text} == FOR_PEOPLE


@pytest.mark.parametrize("command", JOB)
def test_one_object_for_every_end(command: str, project: Project) -> None:
    words = [*command.split(), "job.yaml", *JOB[command], "--json"]
    project.job()
    ran = project.run("run", "job.yaml", "--json")
    assert json.loads(ran.stdout)["outcome"] == "finished"
    calls = [words, [*command.split(), "none.yaml", *JOB[command], "--json"], [*words, "--no-such-option"]]
    for call in calls:
        done = project.run(*call)
        said = json.loads(done.stdout)
        assert isinstance(said, dict) and said["exit_code"] == done.returncode, done.stderr
        assert done.returncode in EXIT_CODES
        if call is not words:
            assert done.returncode == 2
            if command == "doctor" and call is calls[1]:
                continue  # what is wrong is one of its checks
            assert {"what", "where", "hint"} <= said["error"].keys() and said["error"]["what"]


def test_a_mistake_in_the_job_is_said_with_its_place(project: Project) -> None:
    file = project.job()
    file.write_text(file.read_text().replace("prompt:", "promt:"))
    for command in ("run", "plan", "check", "status", "export"):
        said = json.loads(project.run(command, "job.yaml", "--json").stdout)
        assert said["error"]["where"].startswith("job.yaml:") and "prompt" in said["error"]["hint"]
        assert (said["outcome"], said["exit_code"]) == ("failed", 2)


def test_a_pilot_that_stops_says_so(project: Project) -> None:
    project.job()
    done = project.run("run", "job.yaml", "--pilot", "2", "--json")
    assert json.loads(done.stdout) == {"outcome": "pilot", "exit_code": 75} and done.returncode == 75
