"""What ends before anything is sent ends with words: a signal at the start, an address that is none."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from pipeline.testing import Script
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

AT_IMPORT = """
import os, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "pipeline.runs.session":
            sys.meta_path.remove(self)
            try:
                os.kill(os.getpid(), {number})
            except KeyboardInterrupt:
                if not {kept}:
                    raise

sys.meta_path.insert(0, Finder())
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
        done = project.spawn("run", "job.yaml", PYTHONPATH=str(tmp_path))
        assert server.ledger().requests == 0
    assert done.returncode == 130, done.stderr
    assert number.name in done.stderr
    assert "to go on: python -m pipeline run job.yaml" in done.stderr
