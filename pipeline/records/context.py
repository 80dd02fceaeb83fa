"""What people have written about the documents of a folder, for the model that translates them.

A file named `context.md` speaks of all documents beside it and below it; the text of an outer folder stands
first. Such a file is no document itself. This module does not know who reads its text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from pipeline.core.errors import InputError

NAME = "context.md"
MOST = 4096
"""bytes that all texts for one document have together: they are sent with each of its requests"""
WHY = "context for the documents beside and below it"


def contexts(folder: Path, paths: Iterable[str], read: Callable[[Path], bytes]) -> dict[str, str]:
    """The text for each folder in which one of these documents is, by the folder's path below `folder`."""
    own: dict[str, str] = {}
    found: dict[str, str] = {}
    for inside in dict.fromkeys(PurePosixPath(path).parent for path in paths):
        texts = []
        for one in (*reversed(inside.parents), inside):
            if (name := one.as_posix()) not in own:
                own[name] = _text(folder / name / NAME, read)
            texts.append(own[name])
        whole = "\n\n".join(filter(None, texts))
        if (size := len(whole.encode())) > MOST:
            what = f"the context of the documents here comes to {size:,} bytes, and {MOST:,} are the most"
            hint = "it is sent with every request: keep what a translator must know, or move it further down"
            raise InputError(what, where=str(folder / inside / NAME), hint=hint)
        found[inside.as_posix()] = whole
    return found


def _text(place: Path, read: Callable[[Path], bytes]) -> str:
    if place.is_symlink() or not place.is_file():
        return ""
    try:
        return read(place).decode("utf-8-sig").replace("\r\n", "\n").strip()
    except UnicodeDecodeError:
        raise InputError("the context is not UTF-8", where=str(place), hint="save it as UTF-8") from None
