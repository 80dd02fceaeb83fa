"""What ends before anything is sent ends with words: a signal at the start, an address that is none."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from pipeline.testing import Script
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

AT_IMPORT = """
import os, sys

class RateFinder:
    def find_spec(self, name, path=None, target=None):
        if name == "pipeline.runs.session":
            sys.meta_path.remove(self)
            try:
                os.kill(os.getpid(), {number})
            except KeyboardInterrupt:
                if not {kept}:
                    raise

sys.meta_path.insert(0, RateFinder())
"""
"""a signal that comes while the program starts, and that a finalizer, say, may keep to itself"""


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_a_command_starts_is_answered_with_the_command(
    number: signal.Signals, kept: bool, project: Project, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(AT_IMPORT.format(number=int(number), kept=kept))
    with serve(Script()) as server:
        project.job(models=served(server.base_url), records=Project.numbered(100))
        done = project.run("run", "job.yaml", PYTHONPATH=str(tmp_path))
        assert server.ledger().requests == 0
    assert done.returncode == 130, done.stderr
    assert number.name in done.stderr
    assert "to go on: python -m pipeline run job.yaml" in done.stderr


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
