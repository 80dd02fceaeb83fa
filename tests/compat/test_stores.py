"""Records and tables at moto's S3: the promises of the store in memory, with a server of other people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from pipeline.system import remote
from tests.support.project import Project
from tests.support.real_servers import moto
from tests.support.stores import OUT, PROMISES, Bucket, a_job, content, names


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Empty buckets at a server of its own; the job is told of it by the environment alone."""
    place = tmp_path / "moto"
    place.mkdir()
    with moto(place, "records", "results") as env:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        yield lambda name: S3Store(name)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda one: one.__name__)
def test_promise(project: Project, bucket: Bucket, promise: Callable[[Project, Bucket], None]) -> None:
    promise(project, bucket)


def test_a_bucket_that_is_not_there(project: Project, bucket: Bucket) -> None:
    a_job(project, bucket)
    project.job(output={"to": "s3://elsewhere/posts.csv"})
    done = project.run("run", "job.yaml")
    assert done.returncode == 74 and "there is no such bucket" in done.stderr
    assert not (project.folder / "output/shop/journal.sqlite").exists()


def test_a_large_table_is_written_in_parts(
    project: Project, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "AT_ONCE", 100)
    long = "x" * 900
    rows = "sku,title\n" + "".join(f"{i},{long}\n" for i in range(9000))
    a_job(project, bucket, records=rows.encode())
    assert project.run("run", "job.yaml").returncode == 0
    assert obstore.head(bucket("results"), "out/posts.csv")["e_tag"].count("-") == 1  # of parts
    first = content(bucket("results"))
    assert len(first) > 8 << 20
    obstore.put(bucket("results"), "out/posts.csv", b"theirs\n")
    numbers = project.numbers("run", "job.yaml")
    assert content(bucket("results")) == first and len(names(bucket("results"))) == 2
    assert numbers["kept"][0].startswith(OUT.removesuffix(".csv"))


def test_two_who_write_at_once_do_not_overwrite_each_other(
    project: Project, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_job(project, bucket)
    put = remote.Remote.put

    def late(self: remote.Remote, path: Path, seen: object) -> str:
        obstore.put(bucket("results"), "out/posts.csv", b"theirs\n")
        return put(self, path, seen)  # type: ignore[arg-type]

    monkeypatch.setattr(remote.Remote, "put", late)
    done = project.run("run", "job.yaml")
    assert done.returncode == 74 and "somebody else wrote it at the same moment" in done.stderr
    assert content(bucket("results")) == b"theirs\n"
