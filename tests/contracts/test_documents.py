"""What the documents show of the sample job is what it does; every file and heading they link to is there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import load, plan, run
from pipeline.cli.wording import of_plan, of_result
from pipeline.job.spec import Job
from tests.support import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
SAMPLES = sorted((ROOT / "jobs").glob("*.yaml"))
FASTER = (
    "models.writer.options.latency=0",
    "models.writer.options.quota.rpm=60000",
    "models.spare.options.latency=0",
)
"""nothing of it is part of a request, and nothing of it changes what an answer costs"""


def sample(folder: Path, *changes: str) -> Job:
    """The sample job of rates and money, in a folder of its own."""
    shutil.copytree(ROOT / "jobs", folder / "jobs")
    return load(folder / "jobs" / "quota.yaml", changes)


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.name)
def test_a_sample_job_can_be_loaded(file: Path) -> None:
    assert load(file).name == file.stem


@pytest.mark.parametrize("page", ["README.md", "docs/money.md"])
def test_the_plan_in_a_document_is_the_plan_of_the_sample_job(page: str, tmp_path: Path) -> None:
    said = "\n".join(of_plan(plan(sample(tmp_path))))
    assert f"$ pipeline plan jobs/quota.yaml\n{said}\n" in (ROOT / page).read_text(encoding="utf-8")


def test_the_run_in_the_readme_is_the_run_of_the_sample_job(tmp_path: Path) -> None:
    rows, sent, *_ = of_result(run(sample(tmp_path, *FASTER)))
    used = re.search(r"[0-9,]+ \+ [0-9,]+ tokens in \+ out, \$[0-9.]+", sent)
    assert used is not None
    shown = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"$ pipeline run jobs/quota.yaml\n{rows}\n" in shown
    assert used[0] in shown


def test_the_sample_job_is_over_when_it_is_run_again(tmp_path: Path) -> None:
    job = sample(tmp_path, *FASTER)
    first = run(job)
    assert (first.ok, first.failed) == (120, 0)
    assert run(job).sent == 0
    models = first.frame()["_model"].value_counts().sort("count").rows()
    assert models == [("scripted/gpt-5", 2), ("scripted/gpt-5-mini", 118)]


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The files and headings of this project that a page links to."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            path, _, heading = target.partition("#")
            yield (page.parent / path if path else page), heading


def slug(heading: str) -> str:
    """A heading as links name it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_in_a_document_leads_somewhere(page: Path) -> None:
    for path, heading in links(page):
        assert path.exists(), f"{page.name} links to {path}"
        if heading:
            headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in map(slug, headings), f"{page.name} links to {path.name}#{heading}"
