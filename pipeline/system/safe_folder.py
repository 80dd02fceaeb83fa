"""A folder whose files are reached step by step, and never through a symbolic link.

Paths are relative, with `/` between their parts, such as `en/B0012.md`. Nothing outside of the folder can be
read, written or removed by them, whatever stands in it. This module does not know what the files are for.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from errno import EACCES, ELOOP, ENOTDIR, ENXIO
from io import BufferedReader
from pathlib import Path

from pipeline.system.files import make_folder

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
AT_ONCE = 16  # syncs at the same time: one alone takes nearly as long as several
_STRANGE = {ELOOP, ENOTDIR, ENXIO, EACCES}


class InTheWay(Exception):
    """There is no readable file at a path, or it is behind a link; the text says what is there."""


class Folder:
    """An open folder. `own` folders inside of it are made for their owner alone, others follow the umask.

    Its methods raise `InTheWay` where a path leads through a link or not to a file, and `OSError`.
    """

    def __init__(self, path: Path, *, own: bool) -> None:
        self.path = Path(os.path.realpath(path))
        self._mode = 0o700 if own else 0o777
        make_folder(self.path, self._mode)
        self.descriptor = os.open(self.path, FOLDER)

    def close(self) -> None:
        """Close the descriptor."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1

    @contextmanager
    def parent(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """The descriptor of the folder that a path stands in, and its last part.

        `FileNotFoundError` where there is no such folder and none is to be made.
        """
        *folders, name = parts(path)
        here = os.dup(self.descriptor)
        try:
            for folder in folders:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(folder, self._mode, dir_fd=here)
                with _told():
                    inner = os.open(folder, FOLDER, dir_fd=here)
                os.close(here)
                here = inner
            yield here, name
        finally:
            os.close(here)

    def digest(self, path: str) -> tuple[bytes, int] | None:
        """The SHA-256 of a file and its rights; None where there is nothing."""
        with self._opened(path) as file:
            if file is None:
                return None
            rights = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            return hashlib.file_digest(file, "sha256").digest(), rights

    def content(self, path: str) -> bytes | None:
        """The bytes of a file; None where there is nothing."""
        with self._opened(path) as file:
            return file.read() if file else None

    @contextmanager
    def _opened(self, path: str) -> Iterator[BufferedReader | None]:
        try:
            with self.parent(path) as (folder, name), _told():
                descriptor = os.open(name, _FILE, dir_fd=folder)
        except FileNotFoundError:
            yield None
            return
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise InTheWay("is not a file")
        with os.fdopen(descriptor, "rb") as file:
            yield file

    def remove(self, path: str) -> None:
        """Remove a file, and the folders above it that are empty then; nothing where there is none."""
        *folders, _ = parts(path)
        with suppress(FileNotFoundError):
            with self.parent(path) as (folder, name):
                os.unlink(name, dir_fd=folder)
            for length in range(len(folders), 0, -1):
                with self.parent("/".join(folders[:length])) as (folder, name):
                    try:
                        os.rmdir(name, dir_fd=folder)
                    except OSError:  # it is not empty
                        return

    def sync(self, changed: Iterable[str]) -> None:
        """Sync the folders of these paths, where files were moved or removed."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._sync, {above for path in changed for above in _above(path)}))
        os.fsync(self.descriptor)

    def _sync(self, folder: str) -> None:
        with suppress(FileNotFoundError), self.parent(f"{folder}/x") as (descriptor, _):
            os.fsync(descriptor)


def _above(path: str) -> Iterator[str]:
    """The folders that a path leads through: `a` and `a/b` for `a/b/c`."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def parts(path: str) -> list[str]:
    """The parts of a path; `InTheWay` for one that would lead out of its folder."""
    found = path.split("/")
    if not all(found) or "." in found or ".." in found or "\0" in path:
        raise InTheWay("is not a path inside a folder")
    return found


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _STRANGE:
            raise
        strange = "is a link, is reached through a link, or is not a file"
        raise InTheWay("may not be read" if error.errno == EACCES else strange) from None
