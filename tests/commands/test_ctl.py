"""ctl: commands that cannot be obeyed."""

from __future__ import annotations

from tests.support.project import Project


def test_commands_that_cannot_be_obeyed_are_refused_with_a_reason(project: Project) -> None:
    project.job()
    for arguments, sentence in (
        (("pause",), "nobody runs this job now\n  start it: pipeline run job.yaml"),
        (("halt",), "unknown command 'halt'\n  known: pause, resume, stop, cancel, set, status"),
        (("set", "rpm"), "set takes KEY=VALUE"),
    ):
        done = project.run("ctl", "job.yaml", *arguments)
        assert done.returncode == 2 and sentence in done.stderr, done.stderr
