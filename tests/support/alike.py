"""A job whose answers must differ, with posts of which some are planted copies."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import polars as pl

from pipeline.text.alike.minhash import likeness
from pipeline.text.alike.shingles import shingles
from tests.support.crowd import posts
from tests.support.project import Project
from tests.support.writer import Chat

STEP: dict[str, Any] = {"name": "post", "prompt": "Write about {{ title }}.", "checks": {"distinct": True}}
POSTS = posts(7, 60, 12)
COPIES = sum(post.copy_of is not None for post in POSTS)


def number(chat: Chat) -> int:
    """Which thing is written about."""
    return int(chat.first.split("thing ")[1].split(".")[0])


def planted(chat: Chat) -> str:
    """The post with the number of the thing; another one where it is sent back."""
    return POSTS[number(chat)].text if not chat.turn else fresh(chat.number)


def fresh(n: int) -> str:
    """A text like no other."""
    return " ".join(f"{word}{n}" for word in ("alpha", "beta", "gamma", "delta", "epsilon"))


def too_alike(result: pl.DataFrame, most: float = 0.6) -> int:
    """How many pairs of accepted answers are nearly equal."""
    texts = [shingles(text) for text in result["post"].to_list() if text]
    return sum(likeness(one, other) > most for one, other in combinations(texts, 2))


def table(project: Project) -> bytes:
    """The result as it is on the disk."""
    return (project.folder / "output/shop/posts.csv").read_bytes()
