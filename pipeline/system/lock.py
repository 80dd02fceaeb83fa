"""One run at a time: a lock on the job's folder that vanishes with the process that holds it.

This module does not know what a run does.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.core.errors import DiskError, Locked
from pipeline.system.files import make_folder, own_file

TRIES, BETWEEN = 4, 0.05


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, making the folder where there is none.

    Raises `Locked` with pid and host of the holder, `DiskError` where the folder cannot be written.
    """
    path = folder / "lock"
    try:
        make_folder(folder)
        descriptor = own_file(path, os.O_RDWR)
    except OSError as error:
        raise DiskError(f"cannot be written: {error.strerror}", where=str(folder)) from None
    try:
        if not _taken(descriptor, folder):
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
            hint = "wait for it or end it; this run has sent nothing"
            raise Locked(f"another run of this job is alive ({holder})", where=str(folder), hint=hint)
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"pid {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        except OSError as error:
            raise DiskError(f"cannot be written: {error.strerror}", where=str(path)) from None
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int, folder: Path) -> bool:
    """Take the lock. It is tried a few times, because a process that only tests it holds it for a moment."""
    for _ in range(TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(BETWEEN)
        except OSError as error:
            hint = "put the job on a disk of this machine: without a lock two runs could pay for the same"
            raise DiskError(f"cannot be locked: {error.strerror}", where=str(folder), hint=hint) from None
        else:
            return True
    return False


def holder(folder: Path) -> str:
    """Pid and host of the process that holds the folder's lock; '' if it is free."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(descriptor, 200, 0).decode(errors="replace").strip()
    finally:
        os.close(descriptor)
    return ""
