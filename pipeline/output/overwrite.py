"""Keeps a table that a person changed, or that the job did not write, beside the one that takes its place.

    posts.csv -> posts.before-20261122T184003Z.csv    (the time in UTC)

The job's own tables are those that the receipt names by their SHA-256. What is kept gets its second name (a
hard link) before the new table is moved into place, so a kill in between leaves both, and the next run finds
the second name again. Of an object in a store a copy is made. This module does not know what is in
a table.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pipeline.core.errors import JobError
from pipeline.job.spec import Job
from pipeline.output.receipt import Known, known_files, known_objects, note_object
from pipeline.output.table import Written
from pipeline.system.files import adapter_name, sync_folder, writing
from pipeline.system.remote import Remote

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES}
_BEFORE = ".before-"


def refuse_theirs(job: Job) -> None:
    """Where the job may not overwrite, raise a `JobError` for a target that is not the job's own.

    A store that cannot be reached is a `DiskError`.
    """
    for url in job.uploads.values():
        Remote(url).look()  # is it there, and may it be read? Else nothing is sent
    known = known_files(job) if job.output.overwrite == "never" else {}
    for target in job.targets if job.output.overwrite == "never" else ():
        mine, there = known.get(Path(os.path.realpath(target)), set()), job.uploads.get(target)
        if _is_theirs_there(job, Remote(there), mine) if there else _is_theirs(target, mine):
            what = "was changed since this job wrote it" if mine else "was not written by this job"
            hint = "move it away, name another file, or leave output.overwrite out: then it is kept beside"
            where = job.text.where(("output", "overwrite"))
            raise JobError(f"{target.name} {what}, and must not be overwritten", where=where, hint=hint)


def keep_theirs(job: Job, written: Sequence[Written]) -> tuple[Path, ...]:
    """Keep what stands in the place of a new table and is not the job's own; the paths where it is kept."""
    known = known_files(job)
    return tuple(
        _kept(new.path)
        for new in written
        if _is_theirs(new.path, {*known.get(new.path, ()), (new.bytes, new.sha256)})
    )


def upload(job: Job, written: Sequence[Written]) -> tuple[str, ...]:
    """Bring the new tables to their stores; the addresses of what was kept there, and was not the job's own.

    Nothing is written where the store has these bytes already. A kill in between is no loss: the next run
    finds what stands there by its bytes.
    """
    kept, known = list[str](), known_files(job)
    for target, url in job.uploads.items():
        path = Path(os.path.realpath(target))
        new = next(one for one in written if one.path == path)
        remote, noted = Remote(url), known_objects(job).get(url)
        seen = remote.look()
        if seen and noted == {"e_tag": seen["e_tag"], "sha256": new.sha256}:
            continue
        if seen and _is_theirs_there(job, remote, {*known.get(path, ()), (new.bytes, new.sha256)}):
            kept.append(remote.keep_beside())
        note_object(job, url, remote.put(path, seen), new.sha256)
    return tuple(kept)


def _is_theirs_there(job: Job, remote: Remote, known: set[Known]) -> bool:
    """The same of an object: it is the job's own by its tag or, where a run was killed, by its bytes."""
    seen, noted = remote.look(), known_objects(job).get(remote.url)
    if not seen or not seen["size"] or (noted and noted["e_tag"] == seen["e_tag"]):
        return False
    sizes = {length for length, _ in known}
    return seen["size"] not in sizes or (seen["size"], remote.sha256()) not in known


def kept_beside(target: Path) -> Iterator[Path]:
    """The files that were kept beside a target."""
    stem, suffix = _named(target)
    name = re.compile(re.escape(stem + _BEFORE) + r"[0-9]{8}T[0-9]{6}Z(-[0-9]+)?" + re.escape(suffix))
    with suppress(FileNotFoundError, NotADirectoryError):
        yield from sorted(one for one in target.parent.iterdir() if name.fullmatch(one.name))


def _is_theirs(path: Path, known: set[Known]) -> bool:
    """Whether something stands there that is none of the known files; an empty file is nothing."""
    if not path.is_file() or not (size := path.stat().st_size):
        return False
    if size not in {length for length, _ in known}:
        return True
    with path.open("rb") as file:
        return (size, hashlib.file_digest(file, "sha256").hexdigest()) not in known


def _kept(path: Path) -> Path:
    for other in kept_beside(path):
        if path.samefile(other):  # by a run that was killed
            return other
    stem, suffix = _named(path)
    moment, number = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}", 1
    with writing(path):
        while True:
            kept = path.with_name(f"{stem}{_BEFORE}{moment}{f'-{number}' * (number > 1)}{suffix}")
            try:
                kept.hardlink_to(path)
            except FileExistsError:
                number += 1
                continue
            except OSError as error:  # a disk without hard links
                if error.errno not in _NO_LINKS:
                    raise
                if kept.exists():
                    number += 1
                    continue
                path.rename(kept)
            sync_folder(path.parent)
            return kept


def _named(path: Path) -> tuple[str, str]:
    """The name before its suffixes, and the suffixes: ("posts", ".csv.gz")."""
    suffix = "".join(path.suffixes[-2:] if adapter_name(path)[1] else path.suffixes[-1:])
    return path.name.removesuffix(suffix), suffix
