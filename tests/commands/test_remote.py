"""Records and tables in object stores: the promises, over a store in memory, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import obstore
import pytest
import yaml
from obstore import store as stores
from obstore.exceptions import GenericError, PermissionDeniedError, PreconditionError
from obstore.store import MemoryStore

from tests.support.project import Project
from tests.support.stores import IN, OUT, PROMISES, Bucket, a_job, content


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Buckets in memory, in the place of those of a cloud."""
    found: dict[str, MemoryStore] = {}

    def bucket(name: str) -> MemoryStore:
        return found.setdefault(name, MemoryStore())

    monkeypatch.setattr(stores, "from_url", lambda url, **_: bucket(url.partition("://")[2]))
    yield bucket


@pytest.mark.parametrize("promise", PROMISES, ids=lambda one: one.__name__)
def test_promise(project: Project, bucket: Bucket, promise: Callable[[Project, Bucket], None]) -> None:
    promise(project, bucket)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (GenericError("Generic S3 error: key AKIA123 secret hunter2"), "the store cannot be reached"),
        (PermissionDeniedError("AKIA123 hunter2"), "the store refuses access"),
    ],
)
def test_what_a_store_says_is_put_in_words_and_names_no_key(
    project: Project, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    a_job(project, bucket)

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(obstore, "head", refuse)
    for command in ("run", "plan", "doctor"):
        done = project.run(command, "job.yaml")
        assert done.returncode == 2 and said in done.stdout + done.stderr
        assert not any(word in done.stdout + done.stderr for word in ("AKIA", "hunter2", "Generic"))
    assert not list((project.folder / "output/shop").glob("journal.sqlite"))


def test_an_upload_that_fails_is_made_up_by_the_next_run_without_a_request(
    project: Project, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_job(project, bucket)
    put = obstore.put

    def too_late(*_: object, **__: object) -> None:
        raise PreconditionError("412")

    monkeypatch.setattr(obstore, "put", too_late)
    done = project.run("run", "job.yaml")
    assert done.returncode == 74 and "somebody else wrote it at the same moment" in done.stderr
    monkeypatch.setattr(obstore, "put", put)
    assert project.numbers("run", "job.yaml")["sent"] == 0
    assert content(bucket("results")).count(b"\n") == 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"output": {"to": "http://host/posts.csv"}}, "s3://bucket/folder/posts.csv"),
        ({"output": {"to": "s3://key:secret@bucket/posts.csv"}}, "s3://bucket/folder/posts.csv"),
        ({"output": {"to": "s3://bucket/../posts.csv"}}, "s3://bucket/folder/posts.csv"),
        ({"output": {"to": "s3://bucket"}}, "s3://bucket/folder/posts.csv"),
        (
            {"output": {"files": {"to": "s3://bucket/x", "name": "sku", "text": "{{ post }}"}}},
            "must be a folder on a disk",
        ),
        ({"output": {"tree": "gs://bucket/{{ path }}"}}, "must be a folder on a disk"),
        ({"output": {"references": "az://bucket/x"}}, "must be a folder on a disk"),
        ({"records": {"from": "http://host/in.csv"}}, "only local files are read, and objects"),
        ({"records": {"from": "s3://records/*.csv"}}, "only local files are read, and objects"),
        ({"records": {"from": ["s3://records/a.csv", "s3://records/b.csv"]}}, "on this machine"),
        ({"records": {"from": "s3://records/docs", "as": "documents"}}, "on this machine"),
        ({"records": {"from": IN}, "output": {"to": IN}}, "the result would overwrite products.csv"),
    ],
)
def test_what_is_no_object_and_what_must_stay_on_a_disk(
    project: Project, bucket: Bucket, changes: dict[str, Any], said: str
) -> None:
    a_job(project, bucket)
    file = project.job()
    job = {**yaml.safe_load(file.read_text()), **changes}
    file.write_text(yaml.safe_dump(job))
    done = project.run("run", "job.yaml")
    assert done.returncode == 2 and said in done.stderr, done.stderr
    assert "secret" not in done.stderr.replace("'s3://key:secret@", "")


@pytest.mark.parametrize("key", ["records", "output"])
def test_an_untrusted_job_reads_and_writes_no_store(project: Project, bucket: Bucket, key: str) -> None:
    file = project.job()
    job = yaml.safe_load(file.read_text())
    job[key] = {"from": IN} if key == "records" else {"to": OUT}
    file.write_text(yaml.safe_dump(job))
    done = project.run("run", "job.yaml", "--untrusted")
    assert done.returncode == 2 and "a path must stay in the job's folder" in done.stderr


def test_what_is_forgotten_stays_in_the_store_only_until_the_table_is_written_anew(
    project: Project, bucket: Bucket
) -> None:
    a_job(project, bucket)
    project.numbers("run", "job.yaml")
    assert b"008" in content(bucket("results"))
    done = project.run("journal", "forget", "job.yaml", "--key", "008")
    assert done.returncode == 0, done.stderr
    assert b"008" not in content(bucket("results"))
