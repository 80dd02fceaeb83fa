"""A pilot on a terminal, and without any input."""

from __future__ import annotations

import subprocess

import pytest

from pipeline.testing import Script
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve
from tests.support.terminal import in_terminal


def test_a_pilot_without_standard_input_says_how_to_go_on(project: Project) -> None:
    project.job()
    words = ["sh", "-c", 'exec "$@" <&-', "sh", *project.command("run", "job.yaml", "--pilot", "2")]
    done = subprocess.run(
        words, cwd=project.folder, env=project.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 75
    assert "to go on: python -m pipeline run job.yaml --pilot 2 --yes" in done.stderr


@pytest.mark.parametrize(("answer", "billed"), [("y\n", 20), ("n\n", 4)])
def test_on_a_terminal_it_asks_before_it_goes_on(project: Project, answer: str, billed: int) -> None:
    with serve(Script(latency=0.01, tokens=50)) as server:
        project.job(models=served(server.base_url), records=Project.numbered(20))
        command = project.command("run", "job.yaml", "--pilot", "4")
        code, shown = in_terminal(command, project.folder, project.environment(), {"go on? [y/N]": answer})
        assert code == (0 if billed == 20 else 75), shown
        assert "left: 16 records, about $" in shown
        assert server.ledger().billed == billed and server.ledger().overpaid == 0
    assert (project.folder / "output/shop/posts.csv").exists() == (billed == 20)
    assert ("to go on: python -m pipeline run job.yaml\r\n" in shown) == (billed == 4)
