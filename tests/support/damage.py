"""Journals that something has damaged, and what every command makes of them."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pipeline.testing import Script
from tests.support.project import Project
from tests.support.server import serve

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("run", "job.yaml"),
    ("run", "job.yaml", "--retry-failed"),
    ("run", "job.yaml", "--pilot", "3", "--yes"),
    ("status", "job.yaml"),
    ("status", "job.yaml", "--json"),
    ("export", "job.yaml"),
    ("plan", "job.yaml"),
    ("doctor", "job.yaml"),
    ("show", "job.yaml"),
    ("journal", "verify", "job.yaml"),
    ("journal", "forget", "job.yaml", "--key", "00003"),
    ("journal", "restore", "job.yaml", "records.csv"),
)


class Damaged:
    """A finished job whose journal is damaged again and again. `billed` counts what its server has billed."""

    def __init__(self, project: Project, billed: Callable[[], int]) -> None:
        self.project, self.billed = project, billed
        self.folder = project.folder / "output/shop"
        self.journal = self.folder / "journal.sqlite"
        self._kept = project.folder / "kept"
        shutil.copytree(self.folder, self._kept)
        self.content = self.journal.read_bytes()
        self._answers = _answers(self.journal)
        self._good = (self.folder / "posts.csv").read_text()
        self._usual = {command: self.call(command, self.content)[0] for command in COMMANDS}

    def call(self, command: tuple[str, ...], content: bytes | None, *, log: bool = False) -> tuple[int, str]:
        """The exit code and the words of a command over a journal with this content; None: there is none."""
        shutil.rmtree(self.folder)
        shutil.copytree(self._kept, self.folder)
        self.journal.unlink()
        if content is not None:
            self.journal.write_bytes(content)
        if log:
            self.journal.with_name("published.json").unlink()
            self.journal.with_name("journal.sqlite-wal").write_bytes(self.content)
        done = self.project.run(*command)
        return done.returncode, done.stdout + done.stderr

    def is_as_it_was(self, name: str) -> bool:
        """Whether a file of the job is what it was before the last command."""
        return (self.folder / name).read_bytes() == (self._kept / name).read_bytes()

    @contextmanager
    def earlier_receipt(self) -> Iterator[None]:
        """The receipt is one of an earlier version, which notes nothing of the journal."""
        file = self._kept / "published.json"
        text = file.read_text()
        receipt = json.loads(text)
        receipt.pop("journal")
        file.write_text(json.dumps(receipt))
        try:
            yield
        finally:
            file.write_text(text)

    def trouble(self, command: tuple[str, ...], content: bytes) -> str:
        """What a command does wrong over a journal with this content; '' for nothing."""
        before = self.billed()
        code, said = self.call(command, content)
        sent = self.billed() - before
        self.journal.with_name("other.sqlite").write_bytes(content)
        gone = len(self._answers - _answers(self.journal.with_name("other.sqlite")))
        allowed = (self._usual[command], 74, *([75] if gone else []))
        if "Traceback" in said or code not in allowed:
            return f"exit code {code}: {said[-1500:]}"
        if sent > gone:
            return f"{sent} requests are sent, and {gone} answers are gone: {said[-1500:]}"
        if code != 74 and command[0] == "run" and (self.folder / "posts.csv").read_text() != self._good:
            return "another result"
        if code == 74 and "\n  " not in said and "journal" not in said:
            return f"it does not say what to do: {said}"
        return ""


def _answers(journal: Path) -> set[tuple[object, ...]]:
    """The answers that can be read, with all that their checksums cover."""
    found = set()
    with closing(sqlite3.connect(f"file:{journal}?immutable=1", uri=True)) as connection:
        for seq in range(1, 200):
            try:
                found.update(connection.execute(_ROW, (seq,)).fetchall())
            except (sqlite3.Error, UnicodeError):
                continue
    return found


_ROW = """
SELECT digest, api, model, step, record, at, seconds, body, endpoint, sum FROM attempts NOT INDEXED
WHERE seq = ? AND fate = ''
"""


ODD = ("NULL", "''", "'x'", "x'ff00fe'", "-1", "9223372036854775807", "1e400", "0.5", "CAST(x'fffe' AS TEXT)")
"""values that a damaged column may have"""


@contextmanager
def damaging(folder: Path) -> Iterator[Damaged]:
    """A finished job in a folder, whose journal can be damaged."""
    project = Project(folder)
    with serve(Script(tokens=40)) as server:
        model = {"model": "m", "base_url": server.base_url, "api_key_env": "TEST_KEY"}
        models = {"writer": model | {"price": {"input": 1, "output": 2}}}
        project.job(server.base_url, records=Project.numbered(30), models=models)
        assert project.run("run", "job.yaml").returncode == 0
        yield Damaged(project, lambda: server.ledger().billed)


def flipped_or_cut(content: bytes, chance: random.Random) -> bytes:
    """The journal, cut off anywhere, or with one bit changed: in its head, its tables' names, or anywhere."""
    if chance.random() < 0.2:
        return content[: chance.randrange(len(content))]
    at = chance.randrange(chance.choice((100, 4096, len(content), len(content))))
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


def with_an_odd_value(content: bytes, chance: random.Random, other: Path) -> bytes:
    """The journal, with a value of another kind in one of its columns."""
    other.write_bytes(content)
    with closing(sqlite3.connect(other, isolation_level=None)) as journal:
        tables = [(table, *row) for table in ("attempts", "runs") for row in columns(journal, table)]
        journal.execute("PRAGMA writable_schema = ON")
        journal.execute("UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '')")
    table, column = chance.choice(tables)
    with closing(sqlite3.connect(other, isolation_level=None)) as journal:
        journal.execute(f"UPDATE {table} SET {column} = {chance.choice(ODD)} WHERE rowid % 3 = 1")
    return other.read_bytes()


def columns(journal: sqlite3.Connection, table: str) -> list[tuple[str]]:
    return journal.execute(f"SELECT name FROM pragma_table_info('{table}') WHERE name <> 'seq'").fetchall()


def assert_no_trouble(finished: Damaged, seed: int, times: int) -> None:
    """Damage it so often, each time under one command."""
    chance = random.Random(seed)
    for number in range(times):
        if chance.random() < 0.7:
            content = flipped_or_cut(finished.content, chance)
        else:
            content = with_an_odd_value(finished.content, chance, finished.project.folder / "other.sqlite")
        command = chance.choice(COMMANDS)
        trouble = finished.trouble(command, content)
        assert not trouble, f"damage {number} of seed {seed}, {' '.join(command)}: {trouble}"
