"""Removes the files of a record's rows, and lines from a file.

This module does not know why they are removed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path

from pipeline.output import manifest
from pipeline.output.folder import taken
from pipeline.system.files import writing
from pipeline.system.safe_folder import Folder, InTheWay
from pipeline.system.staging import remove_leftovers


def erase_files(state: Path, root: Path, names: Collection[str]) -> tuple[int, list[Path]]:
    """Remove the files of records of these names; how many, and which stay behind a link or are no files."""
    removed = 0
    stay: list[Path] = []
    lock = taken(state)
    try:
        listed = manifest.of_records(state, names)
        for place in manifest.folders(state):
            if (root / place).is_dir():
                paths = [path for folder, path in listed if folder == place]
                removed += _removed(root / place, paths, stay)
        manifest.strike(state, names)
    finally:
        os.close(lock)
    return removed, stay


def _removed(path: Path, files: Collection[str], stay: list[Path]) -> int:
    removed = 0
    with writing(path), closing(Folder(path, own=True)) as folder:
        remove_leftovers(folder)
        for file in files:
            try:
                removed += folder.digest(file) is not None
                folder.remove(file)
            except InTheWay:
                stay.append(path / file)
        folder.sync(files)
    return removed


def erase_lines(path: Path, meant: Callable[[bytes], bool]) -> int:
    """Remove lines from a text file; how many were removed."""
    aside = path.with_name(f".{path.name}.part")
    aside.unlink(missing_ok=True)  # left by a killed process
    if not path.exists():
        return 0
    with writing(path):
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not meant(line)]
        if len(kept) < len(lines):
            descriptor = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(b"".join(kept))
                file.flush()
                os.fsync(descriptor)
            aside.replace(path)
    return len(lines) - len(kept)
