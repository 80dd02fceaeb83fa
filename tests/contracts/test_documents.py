"""The sample jobs can be run, and every file and heading that the documents link to is there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import load, run
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


def test_the_picture_is_right_in_any_renderer_and_ends_well() -> None:
    picture = (ROOT / "docs/run.svg").read_text(encoding="utf-8")
    texts = re.findall(r"<text [^>]*>([^<]*)</text>", picture)
    assert all(text == text.strip() and "  " not in text for text in texts), "blanks collapse"
    assert not re.search(r"url\(|href|<style|clip-path", picture), "nothing from elsewhere is needed"
    assert texts[-1].endswith("0 written") and not any("held up" in text for text in texts)
