"""The files that `from` names, when it names a folder, a pattern, a file or several of them.

    docs              all files below the folder
    docs/**/*.{md,mdx}   the files below `docs` whose paths fit: `**` is any number of folders, `*` is no `/`

Hidden files and folders, `node_modules` and links that lead out are left out. This module does not know what
is in a file, nor which of them are documents.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import cache
from pathlib import Path

from pipeline.core.errors import InputError, JobError
from pipeline.core.suggest import nearest_file

SIGNS = "*?[{"
"""what stands in a pattern, and in no name of a file"""
FROM = "records.from"
_SKIPPED = {"node_modules", "__pycache__"}
_JOURNAL = "journal.sqlite"
MOST_PATTERNS = 200  # that one text with braces may stand for
_BRACES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Named:
    """One entry of `from`: its fixed folder, and what the paths below it must fit; () for all of them."""

    folder: Path
    patterns: tuple[tuple[str, ...], ...] = ()
    file: str = ""
    """the name of the one file in the folder that is meant; '' where a folder or a pattern is"""


def named(text: str, base: Path) -> Named:
    """The entry of `from`, relative to the folder `base`; `JobError` for what is no path here."""
    if not text or text == "-" or "://" in text:
        what = "documents are read from files and folders on this machine"
        raise JobError(what, where=FROM, hint="name a folder, a file or a pattern: docs/**/*.md")
    path = base / text
    if path.is_dir():
        return Named(path)
    if not any(sign in text for sign in SIGNS) and not path.exists():
        hint = nearest_file(path.name, os.listdir(path.parent)) if path.parent.is_dir() else ""  # noqa: PTH208 - names
        raise InputError("there is no such file or folder", where=str(path), hint=hint)
    if path.exists():
        return Named(path.parent, file=path.name)
    parts = Path(text).parts
    fixed = next(i for i, part in enumerate(parts) if any(sign in part for sign in SIGNS))
    patterns = _expanded("/".join(parts[fixed:]))
    return Named(base.joinpath(*parts[:fixed]), tuple(tuple(one.split("/")) for one in patterns))


def _expanded(pattern: str) -> list[str]:
    """The patterns without braces that one with braces stands for."""
    done, waiting = list[str](), [pattern]
    while waiting:
        one = waiting.pop()
        if (found := _BRACES.search(one)) is None:
            done.append(one)
        else:
            waiting += [one[: found.start()] + choice + one[found.end() :] for choice in found[1].split(",")]
        if len(done) + len(waiting) > MOST_PATTERNS:
            what = f"a pattern stands for at most {MOST_PATTERNS} patterns without braces"
            raise JobError(what, where=FROM, hint="leave out some braces, or write a list of patterns")
    return done


def below(entry: Named, without: Collection[str]) -> Iterator[str]:
    """The paths of the files of an entry, relative to its folder; real paths in `without` are left out.

    No link to a folder is followed, and no link to a file outside of the folder. The folder of another job's
    journal and results holds no documents.
    """
    if entry.file:
        yield entry.file
        return
    if not entry.folder.is_dir():
        raise InputError("there is no such folder", where=str(entry.folder), hint="look at records.from")
    root = os.path.realpath(entry.folder)
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        try:
            entries = list(os.scandir(Path(root) / inside))
        except OSError as error:
            what = f"the folder cannot be read: {error.strerror}"
            hint = "check its permissions, or name its neighbours in records.from"
            raise InputError(what, where=str(entry.folder / inside), hint=hint) from None
        if inside and any(one.name == _JOURNAL for one in entries):
            continue  # the state and the results of a job
        for one in entries:
            path = f"{inside}/{one.name}" if inside else one.name
            if one.name.startswith(".") or one.name in _SKIPPED or one.path in without:
                continue
            if one.is_dir(follow_symlinks=False):
                waiting.append(path)
            elif _is_file(one, root) and (not entry.patterns or _fits(path, entry.patterns)):
                yield path


def _is_file(entry: os.DirEntry[str], root: str) -> bool:
    if not entry.is_symlink():
        return entry.is_file(follow_symlinks=False)
    real = os.path.realpath(entry.path)
    return real.startswith(f"{root.rstrip('/')}/") and Path(real).is_file()


def _fits(path: str, patterns: Sequence[tuple[str, ...]]) -> bool:
    parts = path.split("/")
    return any(_matches(parts, pattern) for pattern in patterns)


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a path fit those of a pattern, in time that grows with their product."""
    reached = {0}  # how many parts the pattern so far can have taken
    for wanted in pattern:
        if wanted == "**":
            reached = set(range(min(reached), len(parts) + 1))
        else:
            fits = _compiled(wanted).match
            reached = {at + 1 for at in reached if at < len(parts) and fits(parts[at])}
        if not reached:
            return False
    return len(parts) in reached


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))
