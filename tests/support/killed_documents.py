"""Documents whose translation is killed again and again, and what each segment of them cost."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from pipeline.testing import Server
from tests.support.document_jobs import said_by
from tests.support.journals import answered
from tests.support.project import Project
from tests.support.sentences import LANGUAGES, english, translated
from tests.support.settled import settled
from tests.support.translator import Asked, Seen

WIDTH = 8
JOURNAL = "output/docs/journal.sqlite"
Paid = tuple[str, str]
"""a segment: its language and its text"""


def begin(project: Project, url: str, documents: int, sentences: int, **more: object) -> None:
    """Write documents with so many sentences each, one of which all of them share, and the job for them."""
    for name, numbers in _numbers(documents, sentences):
        path = project.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n\n".join([f"# {english(0)}", *map(english, numbers)]) + "\n")
    model = {"model": "x", "base_url": url, "api_key_env": "TEST_KEY", "limits": {"concurrency": WIDTH}}
    step = {"name": "translated", "each": {"lang": list(LANGUAGES)}}
    step["translate"] = {"from": "en", "to": "{{ lang }}", **more}
    job = {"name": "docs", "records": {"from": "docs"}, "models": {"m": model}, "steps": [step]}
    job["output"] = {"tree": "out/{{ lang }}/{{ path }}", "include": ["bilingual", "tmx"]}
    (project.folder / "job.yaml").write_text(yaml.safe_dump(job, sort_keys=False))


def _numbers(documents: int, sentences: int) -> Iterator[tuple[str, range]]:
    for i in range(documents):
        yield f"docs/part{i % 3}/{i:02}.md", range(1 + i * sentences, 1 + (i + 1) * sentences)


def right(project: Project, documents: int, sentences: int) -> dict[str, bytes]:
    """The tree as it has to be."""
    found = {}
    for name, _ in _numbers(documents, sentences):
        for language in LANGUAGES:
            path = f"out/{language}/{name.removeprefix('docs/')}"
            found[path] = translated((project.folder / name).read_text(), language).encode()
    return found


def tree(project: Project) -> dict[str, bytes]:
    """All files of the tree."""
    files = (path for path in sorted((project.folder / "out").rglob("*")) if path.is_file())
    return {str(path.relative_to(project.folder)): said_by(path) for path in files}


def beside(project: Project) -> dict[str, bytes]:
    """The files beside the tree that are the same whenever the job is finished."""
    folder = project.folder / "output/docs"
    files = [
        *folder.glob("*.md"),
        *folder.glob("segments.*"),
        *folder.glob("*.tmx"),
        *folder.glob("bilingual/**/*.*"),
    ]
    return {str(path.relative_to(folder)): said_by(path) for path in sorted(files)}


@dataclass
class Bill:
    """What was asked for before each kill, and which of it was kept."""

    seen: Seen
    kept: set[str] = field(default_factory=set)
    had: set[Paid] = field(default_factory=set)
    """segments with an answer in the journal"""
    at: int = 0
    lost: list[int] = field(default_factory=list)
    """by kill: the requests that were lost with it"""

    def killed(self, journal: Path) -> None:
        """Look at the journal after a kill: the run has asked for nothing twice, nor for what was kept."""
        asked, self.at = self.seen.requests[self.at :], len(self.seen.requests)
        wanted = [one for request in asked for one in segments(request)]
        assert len(wanted) == len(set(wanted)), "one run asked twice for a segment"
        again = self.had.intersection(wanted)
        assert not again, f"asked for again though it was kept: {sorted(again)[:3]}"
        kept = answered(journal)
        assert self.kept <= kept, "what was kept is lost"
        self.kept = kept
        self.had |= {one for request in asked if request.digest in kept for one in segments(request)}
        self.lost.append(len({request.digest for request in asked} - kept))


def segments(request: Asked) -> list[Paid]:
    """The segments that a request asks for."""
    return [(request.language, text) for text in request.texts.values()]


def killed(project: Project, server: Server, seen: Seen, dice: random.Random, work: float) -> bool:
    """Kill a run while it starts, one time in four, or at work; whether it was there to be killed."""
    process = project.start("run", "job.yaml")
    before = len(seen.requests)
    if dice.random() < 1 / 4:
        time.sleep(dice.uniform(0, 1))
    else:
        while len(seen.requests) == before and process.poll() is None:
            time.sleep(0.005)
        time.sleep(dice.uniform(0, work))
    there = process.poll() is None
    end(process, server)
    return there


def end(process: subprocess.Popen[str], server: Server) -> None:
    """kill -9; the server has billed what it got when this returns."""
    process.kill()
    process.communicate()
    settled(server)
