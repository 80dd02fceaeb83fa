"""Temporary files beside their targets: made, known by their names, removed when their writers are gone.

This module does not know what is written into them.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex


def locked_file(target: Path, rights: int) -> tuple[int, Path]:
    """A new file beside a target, locked: that shows that its writer is alive. Raises `OSError`.

    Before it was locked, another process may have taken it for the file of a killed one, and removed it.
    """
    while True:
        path = target.with_name(f"{_prefix(target)}{token_hex(6)}.part")
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, rights)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            path.unlink(missing_ok=True)
            os.close(file)
            raise
        if os.fstat(file).st_nlink:
            return file, path
        os.close(file)


def _prefix(target: Path) -> str:
    return f".{target.name[:100]}."


def leftovers(target: Path) -> list[Path]:
    """The temporary files for a target: of a process that is alive, or of one that was killed."""
    target = Path(os.path.realpath(target))
    if not target.parent.is_dir():
        return []
    parts = (entry for entry in target.parent.iterdir() if entry.name.endswith(".part"))
    return [entry for entry in parts if entry.name.startswith(_prefix(target)) and entry.is_file()]


def remove_leftovers(target: Path) -> None:
    """Remove temporary files of killed processes; a file whose writer is alive is locked, and stays."""
    for entry in leftovers(target):
        with suppress(OSError), entry.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            entry.unlink()
