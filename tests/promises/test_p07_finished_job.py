"""P7: a finished job that is run again sends nothing and writes the same bytes."""

from __future__ import annotations

from pipeline.testing import Rule, Script
from tests.support.project import Project
from tests.support.server import serve


def test_p07_a_finished_job_sends_nothing_and_writes_the_same_bytes(project: Project) -> None:
    answer = {"json": {"title": "string", "tags": ["string"]}}
    steps = [{"name": "post", "prompt": "Write about {{ title }}.", "answer": answer}]
    to = [f"output/shop/posts.{suffix}" for suffix in ("csv", "jsonl.zst", "parquet")]
    with serve(Script(faults=(Rule(match="lamp", fault="refusal"),))) as server:
        project.job(server.base_url, steps=steps, output={"to": to})
        assert project.run("run", "job.yaml").returncode == 3
    first = [(project.folder / name).read_bytes() for name in (*to, "output/shop/failures.csv")]
    again = project.numbers("run", "job.yaml")  # there is no server any more
    assert again["sent"] == 0 and again["failed"] == 1
    assert [(project.folder / name).read_bytes() for name in (*to, "output/shop/failures.csv")] == first
