"""Checks what a job needs of the machine: its folder, the disk, the limits of the process.

This module does not know what a job sends.
"""

from __future__ import annotations

import math
import os
import re
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.core.errors import DiskError
from pipeline.core.health import Check, bad, ok, warn

NETWORK = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs",
    "fuse.s3fs",
})  # fmt: skip
MOUNTS = Path("/proc/self/mountinfo")
MEMORY = Path("/proc/meminfo")
GROUPS = Path("/sys/fs/cgroup")
QUOTAS = (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))
"""where Linux says how many microseconds of each period a container may use, in both of its forms"""
OTHER_FILES = 128  # files that are open besides the connections


def nearest_folder(path: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    while not path.is_dir():
        path = path.parent
    return path


def of_folder(folder: Path) -> Iterator[Check]:
    """Whether a job's folder can be written, is its owner's alone, and is on a disk of this machine."""
    there = nearest_folder(folder)
    read_only = os.statvfs(there).f_flag & os.ST_RDONLY
    if read_only or not os.access(there, os.W_OK | os.X_OK):
        why = "it is mounted read-only" if read_only else "you may not write there"
        yield bad("folder", f"{there}: {why}", "name another place, or change its permissions", code=_DISK)
    elif there != folder:
        yield ok("folder", f"{folder} will be made")
    else:
        yield _of_rights(folder)
    kind = filesystem(there)
    if kind in NETWORK:
        said = f"{there} is on a network file system ({kind})"
        yield warn("disk", said, "locks and syncs may not hold there: put the job on a disk of this machine")


def _of_rights(folder: Path) -> Check:
    open_to = [file.name for file in sorted(folder.iterdir()) if file.lstat().st_mode & 0o077]
    if folder.stat().st_mode & 0o077 and open_to:
        hint = f"chmod -R go-rwx '{folder}'"
        return warn("folder", f"{folder}: other users can read {', '.join(open_to[:5])}", hint)
    return ok("folder", f"{folder} can be written")


def of_room(folder: Path, needed: int) -> Check:
    """Whether the disk has room for about `needed` bytes more."""
    free = shutil.disk_usage(nearest_folder(folder)).free
    said = f"{megabytes(free)} free, about {megabytes(needed)} needed"
    if free < needed:
        return bad("disk", said, "make room: a run stops when the disk is full", code=_DISK)
    if free < 2 * needed:
        return warn("disk", said, "make room, to be safe")
    return ok("disk", said)


def of_open_files(connections: int) -> Check:
    """Whether the process may have so many connections open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if hard != resource.RLIM_INFINITY and hard < wanted:
        said = f"{hard:,} open files are allowed, and {connections:,} requests at once need {wanted:,}"
        return warn("open files", said, "ulimit -Hn says what is allowed; or lower limits.concurrency")
    return ok("open files", f"enough for {connections:,} requests at once")


def filesystem(path: Path) -> str:
    """The kind of file system a folder is on, '' where the system does not say."""
    try:
        lines = MOUNTS.read_text().splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    real = os.path.realpath(path)
    for line in lines:
        fields, _, rest = line.partition(" - ")
        mounted = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields.split()[4])
        inside = real == mounted or real.startswith(mounted.rstrip("/") + "/")
        if inside and len(mounted) >= len(best):
            best, kind = mounted, rest.split()[0]
    return kind


def memory_left() -> int:
    """Bytes that programs may still take without swapping; 0 where the system does not say so."""
    told = MEMORY.read_text() if MEMORY.exists() else ""
    found = re.search(r"^MemAvailable: +(\d+) kB", told, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def cores() -> int:
    """Cores that this process may keep busy: those that it may run on, or what its container has, if less."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for files in QUOTAS:
        try:
            most, period = " ".join((GROUPS / file).read_text() for file in files).split()
            share = int(most) / int(period)
        except (OSError, ValueError, ZeroDivisionError):  # not on this system, or no limit
            continue
        if share > 0:
            usable = min(usable, math.ceil(share))
    return usable


def megabytes(size: int) -> str:
    """A number of bytes as people read it."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


_DISK = DiskError.exit_code
