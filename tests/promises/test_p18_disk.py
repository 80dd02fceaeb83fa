"""P18: a disk that is full or fails stops the run, and replies under way are kept."""

from __future__ import annotations

from pipeline.testing import Script
from tests.support.journals import journalled
from tests.support.project import Project, run_limited
from tests.support.served import served
from tests.support.server import serve


def test_p18_a_disk_that_refuses_stops_the_run_and_no_reply_is_lost(project: Project) -> None:
    with serve(Script(latency=0.1, tokens=600)) as server:
        project.job(models=served(server.base_url, limits={"concurrency": 8}), records=Project.numbered(100))
        done = run_limited(project, "-f 150")
        assert done.returncode == 74 and "Traceback" not in done.stderr, done.stderr
        assert "fix the disk, then run the same command: " in done.stderr and "/spill/" in done.stderr
        sent = server.ledger().billed
        assert sent - journalled(project.folder) <= 2 * 8, "what was under way, and one commit of it"
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 100 and server.ledger().overpaid == 0
    assert not list((project.folder / "output/shop/spill").glob("*.jsonl"))
