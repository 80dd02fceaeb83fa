"""The checksum of a journal's row, over what never changes in it: who was asked what, and what came back.

It is there for disks that lie and files that are edited by hand, not against anybody who wants to deceive.
This module does not know the table.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any


def row_sum(
    digest: bytes,
    api: str,
    model: str,
    step: str,
    record: str,
    at: float,
    seconds: float,
    body: bytes,
    endpoint: str,
) -> int:
    """The first eight bytes of SHA-256 over these columns, as the signed integer that SQLite keeps."""
    said = f"{api}\0{model}\0{step}\0{record}\0{endpoint}\0{at!r}\0{seconds!r}\0"
    return int.from_bytes(sha256(digest + said.encode() + body).digest()[:8], signed=True)


def fits(kept: object, *columns: Any) -> bool:
    """Whether a row is still what it was; columns of a damaged row may be of any type."""
    try:
        return row_sum(*columns) == kept
    except (TypeError, ValueError):
        return False
