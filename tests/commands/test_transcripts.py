"""Every transcript in the documents is run, and what it shows is what is printed.

What no two runs have in common is taken out of both: seconds, shares of a time, the widths of columns. What
is not run is marked in the page, with the reason.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
import sqlite3
from contextlib import chdir, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.lanes.bottleneck import ADVICE, UNSET
from tests.support import ROOT
from tests.support.project import Project
from tests.support.transcripts import PAGES, Page, Shown, page_of

FASTER = {
    "latency: {mean: 0.4, jitter: 0.2}": "latency: 0",
    "{rpm: 600, burst: 10}": "{rpm: 60000, burst: 10}",
    "latency: 0.8": "latency: 0",
}
"""nothing of it is part of a request, and nothing of it changes what an answer costs"""
VARIES = (
    (re.compile(r"; \d+:\d\d$"), "; TIME"),
    (re.compile(r"\d+\.\d\d / \d+\.\d\d / \d+\.\d\d"), "SECONDS"),
    (re.compile(r"((?:yes|no|maybe) +[\d,]+) +\d+\.\d\d$"), r"\1 SECONDS"),
    (re.compile(r"\b(rpm|tpm) \d+% of ([\d,]+)$"), r"\1 SHARE"),
    (re.compile(r"'(peak|busiest_minute)': \d+"), r"'\1': N"),
    (re.compile(r"\bpython -m pipeline\b"), "pipeline"),
    (re.compile(r" +"), " "),
)
SHOWING = [page for page in map(page_of, PAGES) if page.shown]
REFUSALS = (
    (re.compile(r"^\d+ requests sent"), "N requests sent"),
    (re.compile(r"(\d records), \d+ requests sent"), r"\1, N requests sent"),
    (re.compile(r"^not counted in that: \d+ attempts"), "not counted in that: N attempts"),
)
"""a server that refuses what comes too fast refuses as often as it happens"""


@dataclass
class World:
    """A folder with the jobs of the documents, in which a page's commands are run one after the other."""

    folder: Path
    database: Path = field(default_factory=Path)
    """what the last `sqlite3` opened"""

    def said(self, shown: Shown) -> str:
        """What is printed for what a page shows."""
        if shown.kind == "sql":
            return self.queried(shown.words)
        if shown.kind == "python":
            out = io.StringIO()
            with chdir(self.folder), contextlib.redirect_stdout(out):
                exec(compile(shown.words, "a page", "exec"), {})
            return out.getvalue()
        program, *words = shlex.split(shown.words)
        match program:
            case "pipeline":
                done = Project(self.folder).run(*words)
                assert "Traceback" not in done.stderr, done.stderr
                return done.stdout if done.stdout else done.stderr
            case "cat":
                return (self.folder / words[0]).read_text()
            case "rm":
                shutil.rmtree(self.folder / words[-1])
                return ""
            case "sqlite3":
                path, *queries = [word for word in words if word != "-readonly"]
                self.database = self.folder / path
                return "".join(map(self.queried, queries))
        raise AssertionError(f"nobody here runs {program}")

    def queried(self, sql: str) -> str:
        """What the program `sqlite3` prints."""
        assert self.database.exists(), self.database
        with closing(sqlite3.connect(self.database)) as connection, connection:
            rows = connection.execute(sql).fetchall()
        return "".join("|".join("" if cell is None else str(cell) for cell in row) + "\n" for row in rows)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The samples, and the jobs that the pages themselves write out."""
    jobs = tmp_path / "jobs"
    shutil.copytree(ROOT / "jobs", jobs)
    quota = (jobs / "quota.yaml").read_text()
    for slow, quick in FASTER.items():
        assert quota.count(slow) == 1, slow
        quota = quota.replace(slow, quick)
    (jobs / "quota.yaml").write_text(quota)
    night = (jobs / "night.yaml").read_text()
    (jobs / "night.yaml").write_text(night.replace("latency: {mean: 8, jitter: 3}", "latency: 0.3"))
    job_file, scripted = page_of(ROOT / "docs/job-file.md"), page_of(ROOT / "docs/scripted.md")
    (jobs / "data/products.csv").write_text(job_file.block("`jobs/data/products.csv`:", "csv"))
    (jobs / "posts.yaml").write_text(job_file.block("`jobs/posts.yaml`:", "yaml"))
    (jobs / "rehearsal.yaml").write_text(scripted.block("`jobs/rehearsal.yaml`:", "yaml"))
    return World(tmp_path)


def comparable(text: str, *, with_refusals: bool) -> list[str]:
    """The lines of a transcript without what varies from run to run."""
    lines = []
    for line in text.strip("\n").splitlines():
        if line.startswith("held up by "):
            continue  # only a run of more than ten seconds says it
        if line.startswith(("go on? [y/N]", "stopped after the pilot")):
            continue  # it asks on a terminal alone
        if with_refusals and re.match(r"\w+ +rate_limited +no ", line):
            continue
        for pattern, instead in (*VARIES, *(REFUSALS if with_refusals else ())):
            line = pattern.sub(instead, line)
        lines.append(line.rstrip())
    return lines


@pytest.mark.parametrize("page", SHOWING, ids=lambda page: page.name)
def test_what_a_page_shows_is_what_is_printed(page: Page, world: World) -> None:
    wrong = []
    for shown in page.shown:
        said = world.said(shown)
        if shown.prints:
            refused = "quota" in f"{shown.words} {world.database}"
            found, wanted = (comparable(text, with_refusals=refused) for text in (said, shown.prints))
            if found != wanted:
                wrong.append(
                    f"{page.name}, line {shown.line}: {shown.words}\nprints\n{said}\nnot\n{shown.prints}"
                )
    assert not wrong, "\n\n".join(wrong)


def test_what_is_not_run_says_why() -> None:
    reasons = [(page.name, line, why) for page in map(page_of, PAGES) for line, why in page.not_run.items()]
    assert [(name, line) for name, line, why in reasons if not why] == [], "mark it: <!-- not run: REASON -->"
    assert {why for _, _, why in reasons} == {
        "a line of a crontab",
        "`.recover` is a command of the program sqlite3, which may not be there",
        "it needs a job of yours",
        "it needs a run that is alive",
        "it needs the server of the lines above",
        "it needs what a run has printed whose disk was full",
        "it serves until it is ended",
        "only a run of more than ten seconds says it",
        "the job that it is about asks a real model",
        "the live display of a terminal",
    }


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_what_is_said_to_hold_a_run_up_is_what_a_run_says(path: Path) -> None:
    for said in re.findall(
        r"^held up by \w+ \(\d+% of the time\): (.+)$", path.read_text("utf-8"), re.MULTILINE
    ):
        assert said in {*ADVICE.values(), *UNSET.values()}
