"""A run whose system calls are seen."""

from __future__ import annotations

import shutil

import pytest

from pipeline.testing import Script
from tests.support.points import TRACED_ROWS, traced
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

SEEN = "trace=connect,sendto,sendmsg,sendmmsg,pwrite64,fdatasync,fsync,rename"


@pytest.fixture(scope="session")
def calls(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], int]:
    """The system calls of a whole run, one request at a time, and the port of its server."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    project = Project(tmp_path_factory.mktemp("traced"))
    with serve(Script(latency=0.05)) as server:
        models = served(server.base_url, limits={"concurrency": 1})
        project.job(models=models, records=Project.numbered(TRACED_ROWS))
        done = traced(project, "-y", "-s", "6000", "--seccomp-bpf", "-e", SEEN, "-e", "signal=none")
        assert done.returncode == 0, done.stderr
        port = int(server.base_url.rpartition(":")[2].partition("/")[0])
    return (project.folder / "trace").read_text(errors="replace").splitlines(), port
