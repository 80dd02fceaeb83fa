"""P2, P6 and P22 of docs/promises.md, by the system calls of a run.

A power cut on a real disk image, 200 times, is in the long sweeps (`make soak`).
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal

import pytest

from pipeline.testing import Script
from tests.support.points import traced
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

ROWS = 6
SEEN = "trace=connect,sendto,sendmsg,sendmmsg,pwrite64,fdatasync,fsync,rename"
SYNCED = re.compile(r"fdatasync(\(.*-wal>| resumed>)\) += 0$")


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], int]:
    """The system calls of a whole run, one request at a time, and the port of its server."""
    project = Project(tmp_path_factory.mktemp("traced"))
    with serve(Script(latency=0.05)) as server:
        models = served(server.base_url, limits={"concurrency": 1})
        project.job(models=models, records=Project.numbered(ROWS))
        done = traced(project, "-y", "-s", "6000", "--seccomp-bpf", "-e", SEEN, "-e", "signal=none")
        assert done.returncode == 0, done.stderr
        port = int(server.base_url.rpartition(":")[2].partition("/")[0])
    return (project.folder / "trace").read_text(errors="replace").splitlines(), port


def test_p02_a_reply_is_synced_before_the_next_request_takes_its_place(calls: tuple[list[str], int]) -> None:
    lines, _ = calls
    sent = [i for i, line in enumerate(lines) if "sendto(" in line and "POST /v1/" in line]
    moved = next(i for i, line in enumerate(lines) if "rename(" in line and '/posts.csv"' in line)
    assert len(sent) == ROWS
    for row, (first, following) in enumerate(zip(sent, [*sent[1:], moved], strict=True)):
        assert f"thing {row}." in lines[first]
        kept = [i for i in range(first, following) if "-wal>" in lines[i] and f"thing {row}." in lines[i]]
        assert kept, f"the reply to request {row} was not written before the next"
        assert any(SYNCED.search(line) for line in lines[kept[-1] : following]), f"nor synced: {row}"


def test_p06_a_result_is_synced_before_it_is_moved_and_its_folder_after(calls: tuple[list[str], int]) -> None:
    lines, _ = calls
    moved = next(i for i, line in enumerate(lines) if "rename(" in line and '/posts.csv"' in line)
    assert any(re.search(r"fsync\(.*/\.posts\.csv\..*part>\) += 0", line) for line in lines[:moved])
    assert any(re.search(r"fsync\(\d+<.*/output/shop>\) += 0", line) for line in lines[moved:])


def test_p22_no_connection_goes_anywhere_but_to_the_servers_of_the_job(calls: tuple[list[str], int]) -> None:
    lines, port = calls
    connected = [line for line in lines if "connect(" in line and "AF_UNIX" not in line]
    assert connected
    for line in connected:
        assert f'sin_port=htons({port}), sin_addr=inet_addr("127.0.0.1")' in line, line
    unconnected = [line for line in lines if re.search(r"sendm?m?(to|sg)\(.*sin6?_addr", line)]
    assert not unconnected, "nothing is asked of a name server either"


def test_p06_a_kill_while_a_file_is_moved_leaves_the_old_one_or_the_new_one(project: Project) -> None:
    folder = project.folder / "output/shop"
    with serve() as server:
        project.job(models=served(server.base_url))
        assert project.run("run", "job.yaml").returncode == 0
        found = [(folder / "posts.csv").read_bytes()]
        project.job(models=served(server.base_url), steps=[{"name": "post", "prompt": "On {{ title }}."}])
        for when, name in ((2, "posts.csv"), (3, "published.json")):  # the first one moves the run's socket
            kill = f"inject=rename:signal=KILL:when={when}"
            assert traced(project, "-e", "trace=rename", "-e", kill).returncode == -signal.SIGKILL
            *_, last = re.findall(r"rename\(.*", (project.folder / "trace").read_text())
            assert f'/{name}"' in last
            found.append((folder / "posts.csv").read_bytes())
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 6
    new = (folder / "posts.csv").read_bytes()
    assert new != found[0] and set(found) <= {found[0], new}, "whole, whatever it is"
    (file,) = json.loads((folder / "published.json").read_text())["files"]
    assert file["sha256"] == hashlib.sha256(new).hexdigest()
    assert [one.name for one in folder.iterdir() if one.name.startswith(".posts")] == []
