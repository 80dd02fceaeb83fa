"""P16: records in another order, taken out or doubled send nothing; new ones send their own requests."""

from __future__ import annotations

from tests.support.project import Project
from tests.support.server import serve


def test_p16_rows_moved_taken_out_or_doubled_send_only_what_is_new(project: Project) -> None:
    run = ("run", "job.yaml", "--set", "records.key=[]")
    with serve() as server:
        for titles, billed in (
            (["tea", "lamp", "tea", "mug"], 3),
            (["mug", "tea", "tea", "tea", "lamp"], 3),
            (["pen", "lamp", "pen"], 4),
        ):
            project.job(server.base_url, records="\n".join(["title", *titles]) + "\n")
            done = project.run(*run)
            assert done.returncode == 0, done.stderr
            assert server.ledger().billed == billed
            assert project.result()["title"].to_list() == titles
            assert project.result()["post"].null_count() == 0
