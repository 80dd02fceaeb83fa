"""A user's folder with a job in it, and the real command run there, in this process or in one of its own."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from tests.support.in_process import called

KEY = "sk-canary-1234567890"


@dataclass
class Project:
    """A folder with `job.yaml` and `records.csv`."""

    folder: Path

    def job(self, base_url: str = "", *, records: str | None = None, **changes: Any) -> Path:
        """Write a job of one step over three rows; `changes` replace its top-level keys."""
        if records is not None or not (self.folder / "records.csv").exists():
            text = records if records is not None else "sku,title\n007,tea\n008,lamp\n009,mug\n"
            (self.folder / "records.csv").write_text(text)
        model: dict[str, Any] = {
            "provider": "openai" if base_url else "scripted",
            "model": "m",
            "limits": {"concurrency": 4, "retries": 3, "timeout": 20},
        }
        if base_url:
            model |= {"base_url": base_url, "api_key_env": "TEST_KEY"}
        job: dict[str, Any] = {
            "name": "shop",
            "records": {"from": "records.csv", "key": "sku"},
            "models": {"writer": model},
            "steps": [{"name": "post", "prompt": "Write about {{ title }}."}],
            "output": {"to": "output/shop/posts.csv"},
        }
        file = self.folder / "job.yaml"
        file.write_text(yaml.safe_dump(job | changes, sort_keys=False))
        return file

    @staticmethod
    def numbered(rows: int) -> str:
        """Records with so many rows."""
        return "sku,title\n" + "".join(f"{i:05},thing {i}\n" for i in range(rows))

    def command(self, *arguments: str) -> list[str]:
        """The command line."""
        return [sys.executable, "-m", "pipeline", *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a command: a key for the server, and nothing of the tester's own keys."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
        return {**clean, "TEST_KEY": KEY, **more}

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, in this process where that can be: see `in_process.py`."""
        if (
            threading.current_thread() is not threading.main_thread()
        ):  # folder and signals are the process' own
            return self.spawn(*arguments, **env)
        return called(arguments, self.folder, self.environment(**env))

    def spawn(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end in a process of its own."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(**env),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Start a command; the caller ends it."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(**env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def result(self, name: str = "posts.csv") -> pl.DataFrame:
        """The result as written, all cells as text."""
        return pl.read_csv(self.folder / "output/shop" / name, infer_schema=False)

    def numbers(self, *arguments: str) -> dict[str, Any]:
        """What a command prints with --json."""
        done = self.run(*arguments, "--json")
        parsed: dict[str, Any] = json.loads(done.stdout)
        return parsed


def run_limited(project: Project, limit: str) -> subprocess.CompletedProcess[str]:
    """Run the job with a limit of the shell, as for `ulimit`."""
    command = f"ulimit {limit}; exec {shlex.join(project.command('run', 'job.yaml'))}"
    shell = partial(subprocess.run, capture_output=True, text=True, timeout=90, check=False)
    return shell(["bash", "-c", command], cwd=project.folder, env=project.environment())


def published(project: Project) -> dict[str, Any]:
    """The record of what was published."""
    read: dict[str, Any] = json.loads((project.folder / "output/shop/published.json").read_text())
    return read
