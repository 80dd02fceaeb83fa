"""Journals that somebody has damaged, and what every command does with them."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.support.project import Project
from tests.support.server import Served

COMMANDS = (
    ("run", "job.yaml"),
    ("run", "job.yaml", "--retry-failed"),
    ("run", "job.yaml", "--pilot", "3"),
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
