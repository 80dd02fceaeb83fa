"""The lines of a file, compressed or not, none of them without end: a small file may unpack to a huge one.

This module does not know what a line means.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pipeline.core.errors import InputError
from pipeline.system.files import reading

LONGEST = 64 << 20
"""bytes of a record: more than any prompt, and little enough for the memory"""


def lines(path: Path) -> Iterator[bytes]:
    """Every line with its end; `InputError` for one that is longer than `LONGEST`."""
    with reading(path) as stream:
        for line, text in enumerate(iter(partial(stream.readline, LONGEST + 1), b""), 1):
            if len(text) > LONGEST:
                raise too_long(path, line)
            yield text


def too_long(path: Path, line: int) -> InputError:
    """The error for a record that begins in this line."""
    what = f"a record of more than {LONGEST >> 20} MiB begins here"
    hint = "split its texts over several records"
    return InputError(what, where=f"{path}, line {line}", hint=hint)
