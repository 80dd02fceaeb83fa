"""What a shell is told when a person types half a command and presses the tab key."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import Project

PROGRAM = str(Path(sys.executable).with_name("pipeline"))


def offered(project: Project, shell: str, *words: str) -> str:
    """What is offered behind these words; the last one is not finished."""
    line = " ".join(["pipeline", *words])
    asked = {"_PIPELINE_COMPLETE": f"complete_{shell}", "COMP_WORDS": line, "COMP_CWORD": str(len(words))}
    asked |= (
        {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"} if shell != "bash" else {}
    )
    env = project.environment(**asked)
    done = subprocess.run([PROGRAM], cwd=project.folder, env=env, capture_output=True, text=True, timeout=60)
    assert not done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_commands_files_and_steps_are_completed(project: Project, shell: str) -> None:
    (project.folder / "jobs").mkdir()
    project.job().rename(project.folder / "jobs/my.yaml")
    (project.folder / "other.txt").touch()
    assert "doctor" in offered(project, shell, "do")
    files = offered(project, shell, "run", "")
    assert "jobs/my.yaml" in files and "other.txt" not in files
    assert "jobs/my.yaml" in offered(project, shell, "status", "jo")
    assert "post" in offered(project, shell, "show", "jobs/my.yaml", "--step", "")
    assert "resume" in offered(project, shell, "ctl", "jobs/my.yaml", "re")


def test_a_job_that_cannot_be_read_completes_nothing(project: Project) -> None:
    (project.folder / "job.yaml").write_text("steps: [{name: [}")
    assert offered(project, "bash", "show", "job.yaml", "--step", "").strip() == ""
