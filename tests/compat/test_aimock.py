"""CopilotKit's mock server: its answers, its reasoning, and its chaos."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.real_servers import aimock

ROWS = 60
FIXTURES = [
    {"match": {"userMessage": "thing 7"}, "response": {"content": "A mug.", "reasoning": "What holds tea?"}},
    {"match": {"userMessage": "Write about"}, "response": {"content": "A fine thing."}},
]
CHAOS = {
    "calm": (),
    "drops": ("--chaos-drop", "0.2"),
    "limits": ("--chaos-ratelimit", "0.2"),
    "lost connections": ("--chaos-disconnect", "0.1"),
    "broken replies": ("--chaos-malformed", "0.1"),
}


@pytest.mark.parametrize(
    ("api", "chaos"),
    # its refusals make a run wait for a minute, and are the same in both dialects
    [("chat", chaos) for chaos in CHAOS] + [("responses", chaos) for chaos in CHAOS if chaos != "limits"],
)
def test_every_row_ends_well(project: Project, tmp_path: Path, chaos: str, api: str) -> None:
    with aimock(tmp_path, FIXTURES, *CHAOS[chaos]) as url:
        limits = {"maybe_billed_retries": 9}  # drawn by chance: a few times in a row for one of the rows
        model = {"model": "gpt-4o-mini", "base_url": url, "api": api, "limits": limits}
        project.job(url, records=Project.numbered(ROWS), models={"writer": model})
        numbers = project.numbers("run", "job.yaml")
    assert numbers["ok"] == ROWS, numbers
    texts = project.result()["post"]
    assert texts.n_unique() == 2
    assert texts[7] == "A mug."
