"""What a job must do with objects in a store, whichever store it is: one function for each promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import obstore
import yaml
from obstore.store import ObjectStore

from tests.support.project import Project

IN, OUT = "s3://records/in/products.csv", "s3://results/out/posts.csv"
ROWS = b"sku,title\n007,tea\n008,lamp\n009,mug\n"
Bucket = Callable[[str], ObjectStore]


def a_job(project: Project, bucket: Bucket, *, records: bytes = ROWS, **output: Any) -> None:
    """A job that reads its records from a store, and writes its table to one."""
    obstore.put(bucket("records"), "in/products.csv", records)
    file = project.job(output={"to": OUT, **output})
    job = yaml.safe_load(file.read_text())
    job["records"]["from"] = IN
    file.write_text(yaml.safe_dump(job, sort_keys=False))


def names(store: ObjectStore) -> list[str]:
    """The keys of all objects."""
    return sorted(one["path"] for page in obstore.list(store) for one in page)


def content(store: ObjectStore, key: str = "out/posts.csv") -> bytes:
    """The bytes of an object."""
    return bytes(obstore.get(store, key).bytes())


def local(project: Project) -> bytes:
    """The table as it stands in the job's folder."""
    return (project.folder / "output/shop/remote/s3/results/out/posts.csv").read_bytes()


def same_as_local(project: Project, bucket: Bucket) -> None:
    """The table of records in a store is that of the same records in a file; it is in the store whole."""
    a_job(project, bucket)
    done = project.run("run", "job.yaml")
    assert done.returncode == 0, done.stderr
    assert f"store     {OUT}" in done.stdout
    far = content(bucket("results"))
    assert names(bucket("results")) == ["out/posts.csv"]
    (project.folder / "output").rename(project.folder / "before")
    (project.folder / "records.csv").write_bytes(ROWS)
    project.job()
    assert project.run("run", "job.yaml").returncode == 0
    assert (project.folder / "output/shop/posts.csv").read_bytes() == far and b"007" in far


def again_sends_nothing(project: Project, bucket: Bucket) -> None:
    """A second run reads the fetched version again, sends nothing, and writes nothing to the store."""
    a_job(project, bucket)
    project.numbers("run", "job.yaml")
    before = obstore.head(bucket("results"), "out/posts.csv")
    numbers = project.numbers("run", "job.yaml")
    assert numbers["sent"] == 0 and numbers["uploaded"] == [OUT] and "kept" not in numbers
    assert obstore.head(bucket("results"), "out/posts.csv") == before


def new_records_are_fetched(project: Project, bucket: Bucket) -> None:
    """Another version of the records is another file; the older one goes, and its answers stay."""
    a_job(project, bucket)
    assert project.numbers("run", "job.yaml")["sent"] == 3
    a_job(project, bucket, records=ROWS + b"010,pot\n")
    numbers = project.numbers("run", "job.yaml")
    assert (numbers["sent"], numbers["ok"]) == (1, 4)
    fetched = list((project.folder / "output/shop/fetched").rglob("products.csv"))
    assert [one.read_bytes() for one in fetched] == [ROWS + b"010,pot\n"]
    assert fetched[0].stat().st_mode & 0o077 == 0
    assert content(bucket("results")) == local(project)


def theirs_is_kept(project: Project, bucket: Bucket) -> None:
    """An object that somebody else wrote or changed is copied beside the table before it is replaced."""
    obstore.put(bucket("results"), "out/posts.csv", b"mine\n")
    a_job(project, bucket)
    numbers = project.numbers("run", "job.yaml")
    ours = content(bucket("results"))
    changed = ours.replace(b"tea", b"TEA")  # the same size
    obstore.put(bucket("results"), "out/posts.csv", changed)
    more = project.numbers("run", "job.yaml")
    store = bucket("results")
    kept = [url.removeprefix("s3://results/") for url in (*numbers["kept"], *more["kept"])]
    assert [content(store, key) for key in kept] == [b"mine\n", changed]
    assert sorted([*kept, "out/posts.csv"]) == names(store) and content(store) == ours


def never_refuses(project: Project, bucket: Bucket) -> None:
    """With `overwrite: never`, nothing is sent where somebody else's object stands there."""
    a_job(project, bucket, overwrite="never")
    assert project.run("run", "job.yaml").returncode == 0
    assert project.run("run", "job.yaml").returncode == 0
    obstore.put(bucket("results"), "out/posts.csv", b"theirs\n")
    done = project.run("run", "job.yaml")
    assert done.returncode == 2 and "was changed since this job wrote it" in done.stderr
    assert content(bucket("results")) == b"theirs\n"


def killed_before_the_note(project: Project, bucket: Bucket) -> None:
    """A run that was killed between the upload and its note finds its own object by its bytes."""
    a_job(project, bucket)
    project.numbers("run", "job.yaml")
    obstore.put(bucket("results"), "out/posts.csv", content(bucket("results")), tags={"other": "version"})
    receipt = project.folder / "output/shop/published.json"
    receipt.write_text(receipt.read_text().replace('"e_tag"', '"no_tag"'))
    numbers = project.numbers("run", "job.yaml")
    assert "kept" not in numbers and numbers["sent"] == 0
    assert names(bucket("results")) == ["out/posts.csv"]


def missing(project: Project, bucket: Bucket) -> None:
    """No object, no bucket: a sentence, and nothing sent."""
    a_job(project, bucket)
    obstore.delete(bucket("records"), "in/products.csv")
    done = project.run("run", "job.yaml")
    assert done.returncode == 2 and "there is no such object" in done.stderr and IN in done.stderr
    assert "Debug" not in done.stderr and "http" not in done.stderr


PROMISES = (
    same_as_local,
    again_sends_nothing,
    new_records_are_fetched,
    theirs_is_kept,
    never_refuses,
    killed_before_the_note,
    missing,
)
