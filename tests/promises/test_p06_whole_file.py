"""P6: the file of a result is the whole old one or the whole new one."""

from __future__ import annotations

import hashlib
import json
import re
import signal

import pytest

from pipeline.testing import Rule, Script
from tests.support.points import needs_strace, traced
from tests.support.project import Project, published
from tests.support.served import served
from tests.support.server import serve


def test_p06_the_record_beside_a_result_has_its_size_and_checksum(project: Project) -> None:
    to = ["output/shop/posts.csv", "elsewhere/posts.parquet"]
    with serve(Script(faults=(Rule(match="lamp", fault="length"),))) as server:
        project.job(server.base_url, output={"to": to})
        assert project.run("run", "job.yaml").returncode == 3
    files = published(project)["files"]
    assert [file["path"] for file in files] == [*to, "output/shop/failures.csv"]
    for file in files:
        content = (project.folder / file["path"]).read_bytes()
        assert file["bytes"] == len(content)
        assert file["sha256"] == hashlib.sha256(content).hexdigest()


def test_p06_a_result_is_synced_before_it_is_moved_and_its_folder_after(calls: tuple[list[str], int]) -> None:
    lines, _ = calls
    moved = next(i for i, line in enumerate(lines) if "rename(" in line and '/posts.csv"' in line)
    assert any(re.search(r"fsync\(.*/\.posts\.csv\..*part>\) += 0", line) for line in lines[:moved])
    assert any(re.search(r"fsync\(\d+<.*/output/shop>\) += 0", line) for line in lines[moved:])


@needs_strace
def test_p06_a_kill_while_a_file_is_moved_leaves_the_old_one_or_the_new_one(project: Project) -> None:
    folder = project.folder / "output/shop"
    with serve() as server:
        project.job(models=served(server.base_url))
        assert project.run("run", "job.yaml").returncode == 0
        found = [(folder / "posts.csv").read_bytes()]
        project.job(models=served(server.base_url), steps=[{"name": "post", "prompt": "On {{ title }}."}])
        # the first one moves the run's socket; the receipt first names what comes, once
        for when, name in ((2, "published.json"), (3, "posts.csv"), (3, "published.json")):
            kill = f"inject=rename:signal=KILL:when={when}"
            assert traced(project, "-e", "trace=rename", "-e", kill).returncode == -signal.SIGKILL
            *_, last = re.findall(r"rename\(.*", (project.folder / "trace").read_text())
            assert f'/{name}"' in last
            found.append((folder / "posts.csv").read_bytes())
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 6
    new = (folder / "posts.csv").read_bytes()
    assert new != found[0] and set(found) <= {found[0], new}, "whole, whatever it is"
    (file,) = json.loads((folder / "published.json").read_text())["files"]
    assert file["sha256"] == hashlib.sha256(new).hexdigest()
    assert [one.name for one in folder.iterdir() if re.match(r"\.posts|posts\.before", one.name)] == []


@needs_strace
@pytest.mark.parametrize(("call", "when"), [("/^link", 1), ("rename", 2), ("rename", 3), ("rename", 4)])
def test_p06_a_kill_while_a_changed_table_is_kept_loses_neither(
    project: Project, call: str, when: int
) -> None:
    """The first rename moves the run's socket, then the receipt, the table, and the receipt again."""
    folder = project.folder / "output/shop"
    project.job()
    assert project.run("run", "job.yaml").returncode == 0
    (folder / "posts.csv").write_text("mine\n")
    project.job(steps=[{"name": "post", "prompt": "On {{ title }}."}])
    kill = f"inject={call}:signal=KILL:when={when}"
    assert traced(project, "-e", f"trace={call}", "-e", kill).returncode == -signal.SIGKILL
    texts = [file.read_text() for file in folder.glob("posts*.csv")]
    assert "mine\n" in texts
    assert project.run("run", "job.yaml").returncode == 0
    assert [file.read_text() for file in folder.glob("posts.before-*.csv")] == ["mine\n"]
    assert "mine" not in (folder / "posts.csv").read_text()
    assert [one.name for one in folder.iterdir() if one.name.startswith(".posts")] == []
