"""Pictures and recordings in a request: what all dialects do with them.

This module does not know where their bytes come from.
"""

from __future__ import annotations

from typing import Any

import orjson

from pipeline.core.domain import Fault, Media


def place_of(one: Media) -> Any:
    """What stands in a body for it: its address, or its mark as a finished piece of JSON."""
    return one.url or orjson.Fragment(one.mark)


def is_picture(one: Media) -> bool:
    """Whether it is a picture, and not a recording."""
    return one.kind.startswith("image/")


def refused(what: str, dialect: str, instead: str) -> Fault:
    """The fault for media that a dialect has no place for."""
    return Fault("refused_by_provider", f"the dialect '{dialect}' takes no {what}: use {instead}")
