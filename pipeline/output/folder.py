"""A folder with a file for each row: each is written to a temporary file, then moved into place.

    with closing(ResultFolder(folder, state)) as folder:
        folder.put("en/B0012.md", "B0012", content)   # for every row; nothing is in its place yet
        folder.complete()                             # synced, and on the list of files to be moved
        filed = folder.publish()                      # moved; files that belong to no row are removed

A file that is there with the same bytes is not touched. Only files that this job has written (`manifest.py`)
and that have not been changed since are overwritten or removed. This module does not know what a row is.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from pipeline.core.errors import DiskError, Locked
from pipeline.output.manifest import Manifest, Summary
from pipeline.system.files import make_folder, writing
from pipeline.system.safe_folder import Folder, InTheWay
from pipeline.system.staging import SYNCED, Staging, remove_leftovers

PATIENCE = 30.0  # seconds to wait for another command that publishes the same job
SHOWN = 5


@dataclass
class Remarks:
    """Sentences about files, the first few of them, and how many there are."""

    count: int = 0
    shown: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        self.count += 1
        if len(self.shown) < SHOWN:
            self.shown.append(sentence)


@dataclass(frozen=True)
class Filed:
    """A folder after publishing: what is in it, what was done, and which rows have no file."""

    folder: Path
    listed: Summary
    written: int
    removed: int
    edited: Remarks
    missing: Remarks


class ResultFolder:
    """The folder `folder` of the job whose state is in `state`; not thread-safe.

    `root` is the folder that paths on the list are relative to. With `named`, remarks name the files. Raises
    `DiskError` for what the disk refuses, and `Locked` where another command holds it for too long.
    """

    def __init__(self, folder: Path, state: Path, root: Path, *, named: bool = True) -> None:
        self._folder: Folder | None = None
        self._manifest: Manifest | None = None
        self._aside: Staging | None = None
        self._named = named
        self._written = 0
        self.edited, self.missing = Remarks(), Remarks()
        inside = Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(state))
        self._where = folder
        self._lock = taken(state)
        try:
            with writing(folder):
                self._folder = Folder(folder, own=inside)
                remove_leftovers(self._folder)
            self._aside = Staging(self._folder, 0o600 if inside else 0o666)  # less the umask, as any file
            self._manifest = Manifest(state, label(self._folder.path, root))
        except BaseException:
            self.close()
            raise

    @property
    def _open(self) -> tuple[Folder, Manifest, Staging]:
        assert self._folder and self._manifest and self._aside  # noqa: S101 - until it is closed
        return self._folder, self._manifest, self._aside

    def theirs(self, path: str) -> bytes | None:
        """The content of a file that the job wrote, and that somebody has changed since; else None."""
        folder, manifest, _ = self._open
        known = manifest.known(path)
        try:
            with writing(self._where):
                content = folder.content(path) if known else None
        except InTheWay:
            return None
        return content if content is not None and sha256(content).digest() not in known else None

    def left_over(self) -> list[str]:
        """The files on the list that have had no row since the folder was opened."""
        return [path for path, _ in self._open[1].stale()]

    def differs(self, path: str, content: bytes) -> bool:
        """Whether something else than this, or nothing, stands in the place of a file."""
        with suppress(InTheWay), writing(self._where):
            return self._open[0].content(path) != content
        return True

    def is_now(self, path: str, digest: str) -> bool:
        """Whether the SHA-256 of a file begins with these hexadecimal digits; not where there are none."""
        with suppress(InTheWay), writing(self._where):
            found = self._open[0].digest(path) if digest else None
            return found is not None and found[0].hex().startswith(digest)
        return False

    def spare(self, path: str, why: str = "") -> None:
        """Leave a file as it is; with a reason, it is told, as that of a file that somebody has changed."""
        _, manifest, _ = self._open
        manifest.leave(path)
        if why:
            manifest.mark_edited(path)
            self.edited.add(f"{self._said(path)} {why}")

    def put(self, path: str, record: str, content: bytes, over: bytes | None = None) -> None:
        """Write the content of a row's file; it is in its place after `publish`.

        `over` is a content that may be replaced, though it is not the job's own: what it holds is merged.
        """
        folder, manifest, aside = self._open
        digest = sha256(content).digest()
        with writing(self._where):
            try:
                found = folder.digest(path)
            except InTheWay as error:
                self._miss(path, record, f"the path {error}")
                manifest.leave(path)
                manifest.mark_edited(path)
                return
            now = found[0] if found else None
            known = manifest.known(path)
            if now == digest:
                manifest.note(path, record, len(content), digest)
            elif now is None or now in known or (over is not None and now == sha256(over).digest()):
                aside.write(path, content, found[1] if found else None)
                ours = now if now is None or now in known else manifest.versions(path)[0]
                manifest.expect(path, record, len(content), ours, digest)
            elif known:
                self._note_edited(path)
                manifest.leave(path)
                manifest.mark_edited(path)
            else:
                self._miss(path, record, "there is already a file that this job did not write")

    def keep(self, path: str, record: str, why: str) -> None:
        """The row has no text for its file: a file that is there stays as it is."""
        self._open[1].leave(path)
        self._miss(path, record, why)

    def complete(self) -> None:
        """Sync all files that are to be moved, and commit the list."""
        _, manifest, aside = self._open
        with writing(self._where):
            aside.sync()
        manifest.commit()

    def publish(self, moved: Callable[[], object] = lambda: None) -> Filed:
        """Move the files into place, remove those without a row; gives what the folder holds now.

        `moved` is called when they are in place, and the list still says that they come.
        """
        folder, manifest, aside = self._open
        with writing(self._where):
            self._move(folder, manifest, aside)
            moved()
            manifest.settle()
            manifest.commit()
            removed = self._remove_stale(folder, manifest)
            manifest.commit()
        listed = manifest.summary()
        return Filed(folder.path, listed, self._written, removed, self.edited, self.missing)

    def close(self) -> None:
        """Remove temporary files that were not moved; published files stay as they are."""
        if self._manifest is not None:
            self._manifest.close()
        if self._folder is not None:
            if self._aside is not None:
                self._aside.close()
            self._folder.close()
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = -1

    def _move(self, folder: Folder, manifest: Manifest, aside: Staging) -> None:
        with _Changes(folder) as changes:
            for path in manifest.coming():
                try:
                    aside.move(path)
                except InTheWay as error:  # somebody put it there a moment ago
                    what = f"{self._said(path)} {error}"
                    raise DiskError(what, where=str(self._where)) from None
                changes.note(path)
                self._written += 1

    def _remove_stale(self, folder: Folder, manifest: Manifest) -> int:
        removed = 0
        with _Changes(folder) as changes:
            for path, known in manifest.stale():
                with suppress(InTheWay):
                    found = folder.digest(path)
                    if found is None or found[0] in known:
                        folder.remove(path)
                        manifest.drop(path)
                        changes.note(path)
                        removed += found is not None
                        continue
                self._note_edited(path, "belongs to no row any more, and ")
                manifest.mark_edited(path)
        return removed

    def _note_edited(self, path: str, more: str = "") -> None:
        hint = "remove it yourself" if more else "remove it, and the next run writes it again"
        self.edited.add(f"{self._said(path)} {more}was changed since it was written: left as it is; {hint}")

    def _miss(self, path: str, record: str, why: str) -> None:
        self.missing.add(f"record {record}: not written as {self._said(path)}: {why}")

    def _said(self, path: str) -> str:
        return path if self._named else "a file"


class _Changes:
    """Paths at which something changed; their folders are synced, many at a time."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._paths: list[str] = []

    def note(self, path: str) -> None:
        self._paths.append(path)
        if len(self._paths) == SYNCED:
            self._sync()

    def _sync(self) -> None:
        if self._paths:
            self._folder.sync(self._paths)
        self._paths = []

    def __enter__(self) -> _Changes:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._sync()


def label(folder: Path, root: Path) -> str:
    """The name of a folder on the list and in the receipt."""
    real = Path(os.path.realpath(root))
    return str(folder.relative_to(real) if folder.is_relative_to(real) else folder)


def taken(state: Path) -> int:
    """A lock on the files of the job's rows, held until this descriptor is closed."""
    with writing(state):
        make_folder(state)
        descriptor = os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    end = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                os.close(descriptor)
                what = "another command is writing the results"
                raise Locked(what, where=str(state), hint="run the same command when it has ended") from None
            time.sleep(0.05)
        else:
            return descriptor
