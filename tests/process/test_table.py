"""A table whose process is killed, or may write no more."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.core.errors import DiskError
from pipeline.output.table import Table
from tests.support.tables import FORMATS, PLAIN, ROWS, publish


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    killed = (
        "import os, sys, polars as pl; from pathlib import Path; from pipeline.output.table import Table\n"
        "Table([Path(sys.argv[1])], pl.Schema({'a': pl.String})); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", killed, str(tmp_path / "a.csv")], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    with Table([tmp_path / "a.csv"], PLAIN) as living:
        living.write(ROWS)
        assert len(list(tmp_path.iterdir())) == 1
        publish(tmp_path / "a.csv", PLAIN, [])
        living.publish()
    assert (tmp_path / "a.csv").read_text().count("\n") == 4
    assert len(list(tmp_path.iterdir())) == 1


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", FORMATS)
def test_a_disk_that_refuses_is_a_disk_error_that_names_the_target(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    target.write_text("old")
    rows = [(os.urandom(300).hex(), n, n / 7, True) for n in range(1024)]
    with pytest.raises(DiskError) as error, files_of_at_most(100_000), Table([target], PLAIN) as table:
        for _ in range(30):
            table.write(rows)
        table.publish()
    assert error.value.where == str(target)
    assert "oo large" in error.value.what
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
