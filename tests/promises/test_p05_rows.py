"""P5: the rows of a result are those of the records, each with one status."""

from __future__ import annotations

from pipeline.testing import Rule, Script
from pipeline.testing.script import Latency
from tests.support.project import Project, published
from tests.support.server import serve


def test_p05_rows_are_those_of_the_input_and_each_is_ok_failed_or_skipped(project: Project) -> None:
    steps = [
        {"name": "outline", "when": "{{ title != 'thing 4' }}", "prompt": "Outline {{ title }}."},
        {"name": "post", "each": {"lang": ["en", "pt"]}, "prompt": "In {{ lang }}: {{ outline }}"},
    ]
    faults = (
        Rule(match="Outline thing 5.", fault="bad_request"),
        Rule(match="Outline thing 6.", fault="length"),
    )
    with serve(Script(latency=Latency(mean=0.05, jitter=0.05), faults=faults)) as server:
        project.job(server.base_url, steps=steps, records=Project.numbered(12))
        numbers = project.numbers("run", "job.yaml")
    result = project.result()
    assert result["sku"].to_list() == [f"{i // 2:05}" for i in range(24)]
    assert result["lang"].to_list() == ["en", "pt"] * 12
    status = ["skipped" if i == 4 else "failed" if i in (5, 6) else "ok" for i in range(12) for _ in "ab"]
    assert result["_status"].to_list() == status
    counts = {"ok": 18, "failed": 4, "skipped": 2, "pending": 0}
    assert {name: numbers[name] for name in counts} == counts
    assert published(project)["rows"] == counts
