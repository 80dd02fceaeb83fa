"""P8 and P24 for documents: whatever a server does, a document is whole or its segments are named.

Nothing is paid for twice, and a second run sends what is open and nothing else.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl
import pytest

from pipeline.testing import Rule, Script
from tests.support.killed_documents import begin, right, segments, tree
from tests.support.project import Project
from tests.support.translator import translator

DOCUMENTS, SENTENCES = 3, 25
SWEEP: dict[str, dict[str, Any]] = {
    "too many requests": {"fault": "rate_limit", "share": 0.3, "retry_after_ms": 1},
    "errors of the server": {"fault": "server_error", "share": 0.3},
    "dropped connections": {"fault": "disconnect", "share": 0.4, "times": 1},
    "no end in time": {"fault": "hang", "first": 2},
    "a body that ends early": {"fault": "truncate_body", "share": 0.4, "times": 1},
    "cut off": {"fault": "length", "share": 0.5},
    "filtered": {"fault": "filtered", "share": 0.5},
    "refused": {"fault": "refusal", "share": 0.5},
    "refused always": {"fault": "refusal", "match": "30 times"},
    "empty": {"fault": "empty", "share": 0.5},
    "garbage": {"fault": "garbage", "share": 0.3, "times": 1},
}
"""what goes wrong with about half of all requests"""


@pytest.mark.parametrize("name", SWEEP)
def test_a_document_is_whole_or_its_segments_are_named(project: Project, name: str) -> None:
    script = Script(seed=3, faults=(Rule(**SWEEP[name]),))
    with translator(script=script) as (server, seen):
        begin(project, server.base_url, DOCUMENTS, SENTENCES)
        limits = ["--set", "models.m.limits.timeout=2", "--set", "models.m.limits.retries=8"]
        first = project.run("run", "job.yaml", *limits)
        assert first.returncode in (0, 3), first.stdout + first.stderr
        ledger = pl.read_parquet(project.folder / "output/docs/segments.parquet")
        bad = ledger.filter(state="needs_review")["source"].to_list()
        if first.returncode == 0:
            assert not bad and tree(project) == right(project, DOCUMENTS, SENTENCES)
        else:
            assert bad and "to review" in first.stdout + first.stderr
        paid = server.ledger()
        answered = Counter(
            one
            for line, asked in zip(paid.lines, seen.requests, strict=True)
            if line.billed and not line.fault
            for one in segments(asked)
        )
        assert max(answered.values()) == 1, "a good answer is not asked for again"
        asked, before = len(seen.requests), tree(project)
        again = project.run("run", "job.yaml", *limits)
        assert (again.returncode, len(seen.requests)) == (first.returncode, asked)
        assert tree(project) == before
