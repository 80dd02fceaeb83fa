"""What one rendering may do in all: a number of units, spent by everything that could grow.

A unit is about the time in which 64 characters are copied, some nanoseconds. The count depends on the
template and its values alone, never on the machine or the clock: what renders once renders always.
This module does not know what costs how much (`filters.py`, `operators.py`, `tree.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jinja2.runtime import Context

LONGEST = 4 * 1024 * 1024
"""characters of a text"""
ALLOWANCE = 32 * 1024 * 1024
"""units for one rendering: some tenths of a second, and 16 million characters made on the way"""
DEEPEST = 100
"""calls inside one another"""
STEP = 8
"""units of one plain operation"""
NODE = 48
"""units of an item in a list or mapping, each time it is looked at"""
_TAKEN = 24
"""units of taking an item from a sequence"""
MADE = 2
"""units of a character that was not there before: it takes memory"""
SCANNED = 6
"""so many bits of a length are left out when it is only read: 64 characters a unit"""


class TooMuch(Exception):
    """The allowance is used up, or one text would be too long; the message is a sentence's end."""


def too_long() -> TooMuch:
    return TooMuch(f"the text grows beyond {LONGEST >> 20} MiB")


class Metered(Context):
    """The context of one rendering, with what is left of its allowance."""

    left = ALLOWANCE
    depth = 0

    def spend(self, units: int) -> None:
        """Take units from the allowance; `TooMuch` where they are used up."""
        self.left -= units
        if self.left < 0:
            raise TooMuch("the template does too much: loops, repetitions or texts of it multiply")

    def make(self, characters: int) -> None:
        """Pay for a text of so many characters, before it is made."""
        if characters > LONGEST:
            raise too_long()
        self.spend(MADE * characters)

    def scan(self, value: Any) -> None:
        """Pay for reading a value once."""
        if isinstance(value, str | bytes):
            self.spend(STEP + (len(value) >> SCANNED))
        elif isinstance(value, list | tuple | Mapping):
            nodes, characters = self.measure(value)
            self.spend(NODE * nodes + (characters >> SCANNED))
        else:
            self.spend(STEP)

    def write(self, value: Any) -> None:
        """Pay for what a value is as text."""
        if isinstance(value, list | tuple | Mapping):
            nodes, characters = self.measure(value)
            self.make(NODE * nodes + characters)
        elif isinstance(value, str | bytes):
            self.make(len(value))
        else:
            self.spend(STEP)

    def measure(self, value: Any) -> tuple[int, int]:
        """(nodes, characters) of a value with all that is in it, as often as it is in it."""
        nodes, characters, most = 1, 0, self.left // NODE
        stack = [value]
        while stack:
            item = stack.pop()
            if isinstance(item, str | bytes):
                characters += len(item)
            elif isinstance(item, Mapping):
                nodes += 2 * len(item)
                if nodes <= most:
                    stack.extend(item)
                    stack.extend(item.values())
            elif isinstance(item, list | tuple):
                nodes += len(item)
                if nodes <= most:
                    stack.extend(item)
            if nodes > most or characters >> SCANNED > self.left:
                self.spend(self.left + 1)
        return nodes, characters

    def paced(self, values: Iterable[Any], weight: int, factor: int = 0) -> Iterator[Any]:
        """The values, each paid for when it is taken: `weight` units, and reading it 1 + `factor` times."""
        weight += _TAKEN
        for value in values:
            self.spend(weight)
            if isinstance(value, str | list | tuple | Mapping):
                before = self.left
                self.scan(value)
                if factor:
                    self.spend(factor * (before - self.left))
            yield value
