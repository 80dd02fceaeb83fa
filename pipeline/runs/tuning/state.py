"""What is wanted of a fine-tuning, and what is known of it: kept in a file, and changed before each call.

So after a kill at any instant it is known which call may have been carried out. This module sends nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from pipeline.core.errors import DiskError
from pipeline.system.files import replace_file

SUCCEEDED, REFUSED = "succeeded", "refused"
ENDED = (SUCCEEDED, REFUSED, "failed", "cancelled")


@dataclass(frozen=True)
class Order:
    """What is to be made: the step whose answers are learned, the job's model whose endpoint trains."""

    step: str = ""
    model: str = ""
    base: str = ""
    suffix: str = ""
    epochs: int | None = None
    share: float = 0.0
    seed: int = 0
    with_soft: bool = False
    again: bool = False
    """whether a job that has ended is no reason not to begin another"""


@dataclass(frozen=True)
class Tuned:
    """The end of a fine-tuning job: the job's model that it is for, and the name of what came out."""

    model: str
    name: str
    job: str


@dataclass
class State:
    """One fine-tuning job: what is wanted, and how far it has come."""

    marker: str
    """a name of its own, by which the server's list of jobs is searched"""
    wanted: dict[str, Any]
    """what decides whether the same is wanted again: the address, the base model and its settings"""
    files: dict[str, str]
    """`training` and perhaps `validation`: the SHA-256 of each file"""
    began: float
    uploaded: dict[str, str] = field(default_factory=dict)
    """the same: the server's name of each file"""
    tried: float = 0.0
    """when the job was last asked for; 0.0: never, or that was refused"""
    job: str = ""
    """the server's name of the job"""
    status: str = ""
    model: str = ""
    """the name of the model that came out"""
    error: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in ENDED

    def save(self, path: Path) -> None:
        """Write it to the disk, synced; raises `DiskError`."""
        replace_file(path, [f"{json.dumps(asdict(self), indent=1)}\n".encode()])


def load(path: Path) -> State | None:
    """The state in a file; None where there is none. `DiskError` where it cannot be read."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DiskError(f"cannot be read: {error.strerror}", where=str(path)) from None
    try:
        read = json.loads(content)
        state = State(**read)
        usual = State("", {}, {}, 0.0)
        if all(isinstance(read[one.name], type(getattr(usual, one.name))) for one in fields(State)):
            return state
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    what = "this is not what the program has written: whether a fine-tuning job is under way is not known"
    hint = "look at the server's list of jobs; then move the file away to begin anew"
    raise DiskError(what, where=str(path), hint=hint)
