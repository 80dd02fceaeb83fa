"""P4: a row is written only from the reply to its own request."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from pipeline.testing import Script
from tests.support.journals import JOURNAL
from tests.support.project import Project
from tests.support.server import serve


def test_p04_a_row_is_written_from_the_answer_to_its_own_question_or_not_at_all(project: Project) -> None:
    with serve(Script(latency=0.01)) as server:
        project.job(server.base_url, records=Project.numbered(20))
        assert project.run("run", "job.yaml").returncode == 0
        good = project.result()
        with closing(sqlite3.connect(project.folder / JOURNAL)) as journal:
            (one, other) = journal.execute("SELECT digest FROM attempts WHERE record IN ('00003', '00011')")
            journal.execute("UPDATE attempts SET digest = ? WHERE record = '00003'", other)
            journal.execute("UPDATE attempts SET digest = ? WHERE record = '00011'", one)
            journal.commit()
        done = project.run("run", "job.yaml")
        assert done.returncode == 0 and "at least 2 requests" in done.stderr, done.stderr
        assert server.ledger().billed == 22, "what was moved to another question is asked again"
        assert project.result().equals(good)
        rows = [f"{i:05},thing {(i * 7) % 20}" for i in range(20)]
        project.job(server.base_url, records="\n".join(["sku,title", *rows]) + "\n")
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 22, "an answer goes with its question, not with its row"
    pairs = project.result().select("title", "post").iter_rows()
    assert all(post.endswith(f"Write about {title}.") for title, post in pairs)
