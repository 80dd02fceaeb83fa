"""What ends before anything is sent ends with words: nobody to ask, an address that is none."""

from __future__ import annotations

import subprocess

import pytest

from tests.project import Project


def test_a_pilot_without_standard_input_says_how_to_go_on(project: Project) -> None:
    project.job()
    words = ["sh", "-c", 'exec "$@" <&-', "sh", *project.command("run", "job.yaml", "--pilot", "2")]
    done = subprocess.run(
        words, cwd=project.folder, env=project.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 75
    assert "to go on: python -m pipeline run job.yaml --pilot 2 --yes" in done.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        "localhost:8000/v1",
        "http://u:hidden@127.0.0.1:9/v1",
        "http://127.0.0.1:99999/v1",
        "http://x/?key=hidden",
    ],
)
def test_an_address_in_the_environment_that_is_none_is_an_error(wrong: str, project: Project) -> None:
    project.job(models={"writer": {"model": "m"}})
    done = project.run("run", "job.yaml", OPENAI_BASE_URL=wrong, OPENAI_API_KEY="sk-none-of-these")
    assert done.returncode == 2, done.stderr
    assert "$OPENAI_BASE_URL: the address in it must" in done.stderr
    assert "hidden" not in done.stderr
