"""Writes files into a hidden folder beside their places, and moves them when all are complete.

This module does not know which of them go where.
"""

from __future__ import annotations

import fcntl
import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import blake2b
from itertools import islice
from secrets import token_hex

from pipeline.system.safe_folder import AT_ONCE, FOLDER, Folder

SYNCED = 256  # files that are synced together
_NAME = re.compile(r"\.pipeline-[0-9a-f]{12}\.part")


class Staging:
    """The hidden folder, made when first needed; files have `rights`, less the umask. Raises `OSError`."""

    def __init__(self, folder: Folder, rights: int) -> None:
        self._folder, self._rights = folder, rights
        self._descriptor = -1

    def write(self, path: str, content: bytes, rights: int | None) -> None:
        """Write the future content of a path; `rights` are those of the file there, which it keeps."""
        if self._descriptor < 0:
            self._make()
        name = _name(path)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(name, flags, self._rights, dir_fd=self._descriptor)
        with os.fdopen(descriptor, "wb") as file:
            if rights is not None:
                os.fchmod(descriptor, 0o600 | self._rights & rights)
            file.write(content)

    def sync(self) -> None:
        """Sync all files. It is not done earlier, because one pending row means that all are dropped."""
        if self._descriptor < 0:
            return
        with ThreadPoolExecutor(AT_ONCE) as pool, os.scandir(self._descriptor) as entries:
            while names := [entry.name for entry in islice(entries, SYNCED)]:
                list(pool.map(self._sync, names))
        os.fsync(self._descriptor)

    def _sync(self, name: str) -> None:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._descriptor)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def move(self, path: str) -> None:
        """Move a file into its place, and replace what is there."""
        with self._folder.parent(path, make=True) as (parent, name):
            os.rename(_name(path), name, src_dir_fd=self._descriptor, dst_dir_fd=parent)

    def close(self) -> None:
        """Remove all files that were not moved."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            with suppress(OSError):
                remove_leftovers(self._folder)

    def _make(self) -> None:
        while self._descriptor < 0:
            name = f".pipeline-{token_hex(6)}.part"
            os.mkdir(name, 0o700, dir_fd=self._folder.descriptor)
            with suppress(FileNotFoundError):  # removed by another process before it was locked
                descriptor = os.open(name, FOLDER, dir_fd=self._folder.descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX)  # held while this process is alive
                if os.fstat(descriptor).st_nlink:
                    self._descriptor = descriptor
                else:
                    os.close(descriptor)


def remove_leftovers(folder: Folder) -> None:
    """Remove the hidden folders of killed processes; one whose process is alive is locked, and stays."""
    for entry in os.listdir(folder.descriptor):  # noqa: PTH208 - no Path is a descriptor
        if not _NAME.fullmatch(entry):
            continue
        with suppress(OSError):
            aside = os.open(entry, FOLDER, dir_fd=folder.descriptor)
            try:
                fcntl.flock(aside, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for name in os.listdir(aside):  # noqa: PTH208 - of an open folder
                    os.unlink(name, dir_fd=aside)
                os.rmdir(entry, dir_fd=folder.descriptor)  # before anybody else can lock it
            finally:
                os.close(aside)


def _name(path: str) -> str:
    return blake2b(path.encode(), digest_size=16).hexdigest()
