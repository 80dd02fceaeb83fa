"""Long sweeps (`make soak`): kills at random instants, over several widths and kinds of fault."""

from __future__ import annotations

import random
import time

import pytest

from pipeline.testing import Rule, Script, serve
from tests.support.journals import journalled
from tests.support.project import Project

ROWS, KILLS = 400, 8
SEED = 20261122


@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_any_number_of_kills_ends_in_the_same_table(project: Project, concurrency: int) -> None:
    dice = random.Random(SEED + concurrency)
    faults = (Rule(share=0.1, times=1, fault="server_error"), Rule(share=0.1, times=1, fault="garbage"))
    arguments = (
        "run",
        "job.yaml",
        "--set",
        f"models.writer.limits={{concurrency: {concurrency}, maybe_billed_retries: 9}}",
    )
    seconds = 0.02 * max(1, concurrency // 8)  # else a wide run is over before it can be killed
    with serve(Script(latency=seconds, faults=faults, seed=SEED)) as server:
        project.job(server.base_url, records=Project.numbered(ROWS))
        kills = 0
        while kills < KILLS:
            process = project.start(*arguments)
            time.sleep(dice.uniform(0.7, 2.0))
            if process.poll() is not None:
                break
            process.kill()
            process.communicate()
            kills += 1
        done = project.run(*arguments)
        assert done.returncode == 0, done.stderr
        ledger = server.ledger()
    assert kills, f"no run was killed, seed {SEED}"
    voided = ledger.billed - journalled(project.folder)
    assert voided <= ROWS // 5 + kills * concurrency, f"seed {SEED}"
    result = project.result()
    assert result["sku"].to_list() == [f"{i:05}" for i in range(ROWS)]
    pairs = result.select("title", "post").iter_rows()
    assert all(f"Write about {title}." in post for title, post in pairs), f"seed {SEED}"
