"""The words of a text. This module does not know languages."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NAME = re.compile(
    r"/?[A-Za-z0-9]{1,64}(?:[_./\\\\:=@#\[\]-]{0,4}[_./\\\\:=@#\[\]][A-Za-z0-9]{1,64})+(?:\(\))?"
)
_JOINT = re.compile(r"[_./\\:=@#\[\]](?<=[A-Za-z0-9].)[_./\\:=@#\[\]]*[A-Za-z0-9]")
"""names of files, keys and functions: about/contact, get_url(), HH:MM[:ss"""


@lru_cache(64)
def words(text: str) -> list[str]:
    """The words of a text, without numbers, signs and names that programs use."""
    return _WORD.findall(_NAME.sub(" ", text) if _JOINT.search(text) else text)
