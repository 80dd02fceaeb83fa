"""Every command once as a process of its own, as a user starts it; the rest is tested in process."""

from __future__ import annotations

import re

import pytest

from pipeline.cli import app
from tests.support.project import Project

COMMANDS = {
    "run": ("run job.yaml", 0, "3 ok"),
    "translate": ("translate nothing.md --to pseudo", 2, "no such file"),
    "plan": ("plan job.yaml", 0, "post"),
    "export": ("export job.yaml", 0, "3 ok"),
    "show": ("show job.yaml", 0, "Write about tea."),
    "status": ("status job.yaml", 0, "finished"),
    "ctl": ("ctl job.yaml pause", 2, "nobody runs this job now"),
    "check": ("check job.yaml", 0, "the job is fine"),
    "doctor": ("doctor job.yaml", 0, "ok"),
    "new": ("new my.yaml", 0, "my.yaml"),
    "schema": ("schema", 0, "max_failed"),
    "kinds": ("kinds", 0, "translate"),
    "finetune": ("finetune job.yaml", 2, "cannot be trained"),
    "journal": ("journal verify job.yaml", 0, "3"),
}
"""its words, its exit code, and what it says"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A job that was run."""
    project = Project(tmp_path_factory.mktemp("done"))
    project.job()
    assert project.run("run", "job.yaml").returncode == 0
    return project


def test_no_command_is_left_out() -> None:
    names = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    assert names | {group.name for group in app.registered_groups} == COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_works_in_a_process_of_its_own_as_in_this_one(name: str, done: Project) -> None:
    words, code, said = COMMANDS[name]
    apart = done.spawn(*words.split())
    assert apart.returncode == code and "Traceback" not in apart.stderr, apart.stderr
    assert said in apart.stdout + apart.stderr
    for file in done.folder.glob("my*"):
        file.unlink()
    here = done.run(*words.split())
    assert here.returncode == code
    for ours, theirs in ((here.stdout, apart.stdout), (here.stderr, apart.stderr)):
        assert re.sub(r"\d+", "0", ours) == re.sub(r"\d+", "0", theirs), "the same but for times and sizes"


def test_the_version_is_told_before_anything_is_imported(project: Project) -> None:
    told = project.spawn("--version")
    assert told.returncode == 0 and told.stdout.startswith("pipeline ")
