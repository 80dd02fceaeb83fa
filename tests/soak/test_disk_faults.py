"""A disk that is read-only all at once: other faults are in process/test_disk_faults.py."""

from __future__ import annotations

from tests.support.disk_faults import every_reply_is_kept
from tests.support.points import needs_strace
from tests.support.project import Project


@needs_strace
def test_a_disk_that_is_read_only_all_at_once_stops_the_run_and_every_reply_is_kept(project: Project) -> None:
    every_reply_is_kept(project, "pwrite64", "error=EROFS:when=24+")
