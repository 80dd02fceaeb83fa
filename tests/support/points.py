"""The points of a run at which strace can end it: the calls that change or sync the files of its folder.

strace counts calls for each kind of call and for each thread by itself, and stops at the first thread that
gets to the number it was told. A file whose name is known beforehand can be watched alone; on others, the
calls are counted whatever they are about.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.project import Project

CALLS = ("write", "pwrite64", "fsync", "fdatasync", "ftruncate", "flock", "rename", "unlink", "mkdir")
TRACED_ROWS = 6
"""of the run whose system calls are looked at"""
TRACE = ("-y", "-s", "8", "-e", f"trace={','.join(CALLS)}")
"""what makes strace write a trace that can be read here"""
_BY_NAME = ("rename", "unlink", "mkdir")
_CALL = re.compile(r"^(\d+) +(\w+)\((.*)")
_DESCRIBED, _QUOTED = re.compile(r"^\d+<([^>]*)>"), re.compile(r'"([^"]*)"')
_UNFORESEEN = re.compile(r"[0-9a-f]{12}\.part$|\d+\.part$|\d+-\d+\.jsonl$|(?<=/)\.\w{8}$")
_REBUILT = ("-shm", "events.jsonl", "trace")
"""files that may be lost: SQLite's map of its other two, and what only people read"""


@dataclass(frozen=True, slots=True)
class Point:
    """Before the call of this kind with this number: of those on `path`, or of all where it is ''."""

    call: str
    path: str
    number: int
    what: str
    """the call and the file it is about, without what is random in its name"""

    def options(self, *watched: str) -> list[str]:
        """What makes strace kill here; `watched` are further paths whose calls are seen."""
        paths = [option for path in (self.path, *watched) for option in ("-P", path)] if self.path else []
        return ["-e", f"inject={self.call}:signal=KILL:when={self.number}", *paths]


def points(trace: Path, folder: Path) -> list[Point]:
    """The points of a traced run that can be reached, in the order in which they come."""
    found: dict[tuple[str, str, int], Point | None] = {}
    seen: Counter[tuple[str, str, str]] = Counter()
    for thread, call, path in _calls(_lines(trace)):
        name = _UNFORESEEN.sub("", path)
        foreseen = name == path and call != "rename"
        for watched in {path, ""}:
            seen[thread, call, watched] += 1
            key = (call, watched, seen[thread, call, watched])
            wanted = _counts(path, folder) and foreseen == bool(watched)
            found.setdefault(key, Point(*key, f"{call} {name}") if wanted else None)
    return [point for point in found.values() if point is not None]


def calls(trace: Path) -> Iterator[tuple[str, str]]:
    """(thread, call and file) of all that was called, in its order."""
    for thread, call, path in _calls(_lines(trace)):
        yield thread, f"{call} {path}"


def kinds(trace: Path, folder: Path) -> set[str]:
    """All that was done to the files of a folder, whether strace can be told to stop there or not."""
    return {
        f"{call} {_UNFORESEEN.sub('', path)}"
        for _, call, path in _calls(_lines(trace))
        if _counts(path, folder)
    }


def ended_at(trace: Path) -> set[str]:
    """What the threads of a killed run were about to do when it was killed."""
    begun: dict[str, str] = {}
    for line in _lines(trace):
        thread, _, said = line.partition(" ")
        for _, call, path in _calls([line]):
            begun[thread] = f"{call} {_UNFORESEEN.sub('', path)}"
        if not said.endswith(("= ?", "<unfinished ...>", "+++")):
            begun.pop(thread, None)
    return set(begun.values())


def _counts(path: str, folder: Path) -> bool:
    return path.startswith(f"{folder}/") and not path.endswith(_REBUILT)


def _calls(lines: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """(thread, call, path) of each call that begins; of a rename the path it leads to, '' for no file."""
    for line in lines:
        if match := _CALL.match(line):
            thread, call, said = match.groups()
            named = _QUOTED.findall(said) if call in _BY_NAME else _DESCRIBED.findall(said)
            yield thread, call, named[-1] if named else ""


def _lines(trace: Path) -> list[str]:
    return trace.read_text(errors="replace").splitlines()


needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def traced(project: Project, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the job under strace."""
    command = ["strace", "-f", "-qq", "-o", str(project.folder / "trace"), *options]
    return subprocess.run(
        [*command, *project.command("run", "job.yaml")],
        cwd=project.folder,
        env=project.environment(PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
