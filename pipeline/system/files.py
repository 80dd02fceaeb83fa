"""Paths, suffixes and compressed streams, for the files that come in and the files that go out.

This module does not know what stands in a file, nor that there are records.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from errno import EACCES, EDQUOT, ELOOP, ENOSPC, ENXIO, EROFS
from pathlib import Path
from typing import IO, Any, cast

from pipeline.core.errors import DiskError, InputError, JobError
from pipeline.core.suggest import nearest_file

COMPRESSED = ("gz", "zst")
COMPRESSIBLE = ("csv", "tsv", "json", "jsonl")
BLOCK = 256 * 1024


def adapter_name(path: Path) -> tuple[str, str]:
    """The adapter's name and the compression a path asks for: `posts.csv.gz` is ("csv", "gz")."""
    suffixes = [suffix[1:].lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        return (suffixes[-2] if len(suffixes) > 1 else "", suffixes[-1])
    return (suffixes[-1] if suffixes else "", "")


def same_file(a: Path, b: Path) -> bool:
    """Whether two paths lead to one file, through links too; also for files that do not exist yet."""
    try:
        return a.samefile(b)
    except OSError:
        return Path(os.path.realpath(a)) == Path(os.path.realpath(b))


def readable_file(path: Path) -> os.stat_result:
    """The state of a regular file that can be read and is not empty; an `InputError` for anything else."""
    try:
        state = path.stat()
    except FileNotFoundError:
        hint = nearest_file(path.name, _neighbours(path.parent))
        raise InputError("there is no such file", where=str(path), hint=hint) from None
    except (OSError, ValueError) as error:
        raise InputError(_reason(error), where=str(path)) from error
    if stat.S_ISDIR(state.st_mode):
        raise InputError("this is a folder, not a file", where=str(path), hint="name one file in it")
    if not stat.S_ISREG(state.st_mode):
        what = "records are read more than once, and a pipe or a device can be read once only"
        hint = "save it to a file first"
        raise InputError(what, where=str(path), hint=hint)
    if not os.access(path, os.R_OK):
        raise InputError("the file may not be read", where=str(path), hint="check its permissions")
    if state.st_size == 0:
        raise InputError("the file is empty, without even a header", where=str(path))
    return state


def _neighbours(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir()]
    except OSError:
        return []


def make_folder(path: Path, mode: int = 0o700) -> None:
    """Make a folder, and missing ones above it, for their owner alone; raises `OSError`."""
    if not path.parent.exists():
        make_folder(path.parent, mode)
    path.mkdir(mode=mode, exist_ok=True)


def sync_folder(path: Path) -> None:
    """Write a folder's own list of names to the disk; raises `OSError`."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def replace_file(path: Path, pieces: Iterable[bytes], rights: int = 0o600) -> None:
    """Put a whole, synced file in the place of what is there; raises `DiskError`."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")  # another process may be writing, too
    flags = os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    with writing(path):
        try:
            with os.fdopen(os.open(aside, flags, rights), "wb") as file:
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
        sync_folder(path.parent)


def own_file(path: Path, flags: int) -> int:
    """Open a file for its owner alone, made where there is none; `OSError` where something else is there.

    A pipe or a device in its place neither blocks the program nor takes what is written, nor does a link.
    """
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if error.errno == ELOOP:
            raise OSError(ELOOP, "it is a link: put the file itself there") from None
        if error.errno == ENXIO:  # a pipe that nobody reads
            raise OSError(ENXIO, "it is not a file") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(ENXIO, "it is not a file")
    return descriptor


@contextmanager
def reading(path: Path, compression: str | None = None) -> Iterator[IO[bytes]]:
    """A text file's bytes, decompressed as told, or by its suffix; a damaged one is an `InputError`."""
    compression = adapter_name(path)[1] if compression is None else compression
    try:
        with path.open("rb", buffering=BLOCK) as raw:
            if compression == "gz":
                yield io.BufferedReader(gzip.GzipFile(fileobj=raw), BLOCK)
            elif compression == "zst":
                yield io.BufferedReader(_ZstdReader(raw), BLOCK)
            else:
                yield raw
    except (EOFError, zlib.error, gzip.BadGzipFile, _DamagedZstd) as error:
        what = "the compressed file is damaged or was cut off"
        plain = f"; a file that is not compressed is named without .{compression}" if compression else ""
        raise InputError(what, where=str(path), hint=f"make it again{plain}") from error
    except OSError as error:
        raise InputError(_reason(error), where=str(path)) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Whatever the system refuses inside becomes a `DiskError` that names `path`."""
    try:
        yield
    except OSError as error:
        raise disk_error(error, path) from error


def disk_error(error: OSError, path: Path) -> DiskError:
    """The sentence for what the system said about writing `path`."""
    hints = {
        ENOSPC: "make room on that disk",
        EDQUOT: "your quota on that disk is used up",
        EROFS: "that disk is mounted read-only",
        EACCES: "you may not write in that folder",
    }
    return DiskError(_reason(error), where=str(path), hint=hints.get(error.errno or 0, ""))


def compressor(raw: IO[bytes], compression: str) -> IO[bytes]:
    """A stream that compresses into `raw` and gives the same bytes for the same input, whenever it runs.

    Closing it ends the compressed data and leaves `raw` open.
    """
    if compression == "gz":
        return cast("IO[bytes]", gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6))
    return cast("IO[bytes]", zstandard().ZstdCompressor(level=3).stream_writer(raw, closefd=False))


def zstandard() -> Any:
    """The zstandard package, which only .zst files need; a `JobError` where it is not installed."""
    try:
        import zstandard as package
    except ImportError:
        what = "files ending in .zst need the package zstandard"
        raise JobError(what, hint="pip install zstandard") from None
    return package


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return text[:1].lower() + text[1:]


class _DamagedZstd(Exception):
    """A .zst stream that does not decompress, or ends inside a frame."""


class _ZstdReader(io.RawIOBase):
    """The decompressed bytes of a .zst file, all its frames.

    The package's own reader accepts a file that was cut off; this one raises.
    """

    def __init__(self, raw: IO[bytes]) -> None:
        package = zstandard()
        self._raw = raw
        self._new = package.ZstdDecompressor().decompressobj
        self._error: type[Exception] = package.ZstdError
        self._frame: Any = None
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and self._advance():
            pass
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _advance(self) -> bool:
        """Decompress the next piece; False at the end of the file."""
        rest = b""
        if self._frame is not None and self._frame.eof:
            rest, self._frame = self._frame.unused_data, None
        data = rest or self._raw.read(BLOCK)
        if not data:
            if self._frame is not None:
                raise _DamagedZstd("it ends inside a frame")
            return False
        self._frame = self._frame or self._new()
        try:
            self._ready = self._frame.decompress(data)
        except self._error as error:
            raise _DamagedZstd(str(error)) from error
        return True
