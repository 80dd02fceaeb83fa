"""Pictures and recordings in a request: what all dialects do with them.

This module does not know where their bytes come from.
"""

from __future__ import annotations

from typing import Any

import orjson

from pipeline.core.domain import Media


def place_of(one: Media) -> Any:
    """What stands in a body for it: its address, or its mark as a finished piece of JSON."""
    return one.url or orjson.Fragment(one.mark)


def is_picture(one: Media) -> bool:
    """Whether it is a picture, and not a recording."""
    return one.kind.startswith("image/")
