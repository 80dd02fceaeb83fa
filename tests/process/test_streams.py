"""A run whose standard streams are closed."""

from __future__ import annotations

import subprocess

from tests.support.project import Project


def test_streams_that_are_closed_stop_nothing(project: Project) -> None:
    project.job()
    for redirect in ("2>&-", ">&-", "| head -c 1"):
        command = " ".join(project.command("run", "job.yaml"))
        done = subprocess.run(
            ["bash", "-c", f"{command} {redirect}"],
            cwd=project.folder,
            env=project.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 and "Traceback" not in done.stderr, (redirect, done.stderr)
        assert project.result().height == 3
