"""Examples -> the files of a fine-tuning: checked, each only once, divided by a seed.

`chat` is the format of supervised fine-tuning, `preference` that of direct preference optimisation. The same
answers and options give the same bytes. Equal questions are on one side of the division: a model must not be
examined with what it has learned. This module sends nothing, and does not know where examples come from.
"""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Literal

import orjson

from pipeline.core.domain import frozen
from pipeline.core.errors import JobError
from pipeline.money.tokens import PER_TURN, count
from pipeline.output.aside import locked_file, remove_leftovers
from pipeline.runs.tuning.examples import Example, texts_in
from pipeline.system.files import make_folder, sync_folder, writing

LONGEST = 65_536
"""tokens of one example: what OpenAI trains with at most; it would cut off the rest without a word"""
FEWEST = 10
"""examples: OpenAI refuses a file with fewer"""
SUFFIX = ".jsonl"
_ROLES = frozenset(("system", "developer", "user", "assistant"))
Format = Literal["chat", "preference"]


@dataclass(frozen=True)
class Wanted:
    """Which file, in which format; which share of the questions is for validation, drawn by a seed."""

    path: Path
    form: Format
    share: float = 0.0
    seed: int = 0
    with_soft: bool = False
    """whether also answers of which a soft check complains"""

    @property
    def paths(self) -> list[Path]:
        """The file for training, and that for validation where there is one."""
        path = Path(os.path.realpath(self.path))
        return [path, path.with_name(f"{path.stem}.validation{SUFFIX}")] if self.share else [path]


@dataclass
class Handed:
    """What was written: the files, each with the number of its examples, and what was left out, by reason."""

    files: dict[Path, int] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    """of all examples for training"""
    unanswered: int = 0
    """rows without an accepted answer"""

    @property
    def training(self) -> int:
        """How many examples there are for training."""
        return next(iter(self.files.values()), 0)


def write(examples: Iterable[Example], wanted: Wanted, model: str, own: Path) -> Handed:
    """Write the files; tokens are counted as `model` counts them.

    A file in the folder `own` is readable by its owner alone.
    """
    handed, found, seen = Handed(), _Found(), set[bytes]()
    target, *_ = paths = wanted.paths
    inside = target.is_relative_to(os.path.realpath(own))
    with writing(target), ExitStack() as stack:
        make_folder(target.parent, 0o700 if inside else 0o777)
        spool = stack.enter_context(TemporaryFile(dir=target.parent))
        for example in examples:
            for line in _lines(example, wanted, model):
                digest = blake2b(line.text, digest_size=16).digest()
                if why := line.objection or ("they occur twice" if digest in seen else ""):
                    handed.left_out[why] += 1
                    continue
                seen.add(digest)
                spool.write(line.text)
                found.questions.append(line.question)
                found.tokens.append(line.tokens)
        if not found.questions:
            said = [f"{count:,}: {why}" for why, count in handed.left_out.most_common()]
            pairs = "; pairs come from repairs and from samples that are not picked"
            hint = "; ".join(said) or f"run the job first{pairs if wanted.form == 'preference' else ''}"
            raise JobError("there is no example to write", where=wanted.form, hint=hint)
        sides = found.sides(wanted)
        spool.seek(0)
        _divide(spool, sides, paths, 0o600 if inside else 0o666)
    handed.files = {path: sides.count(side) for side, path in enumerate(paths)}
    handed.tokens = sum(size for size, side in zip(found.tokens, sides, strict=True) if side == 0)
    return handed


@frozen
class _Line:
    """A line of the file, a number for its question, its tokens, and why it is left out, '' if it is not."""

    text: bytes
    question: int
    tokens: int
    objection: str


def _lines(example: Example, wanted: Wanted, model: str) -> Iterator[_Line]:
    messages = [*example.messages]
    question = int.from_bytes(blake2b(orjson.dumps(messages), digest_size=8).digest())
    texts = [text for message in messages for text in texts_in(message["content"])]
    asked = sum(count(text, model) + PER_TURN for text in texts)
    good = [{"role": "assistant", "content": example.answer}]
    forms: list[tuple[dict[str, Any], str]] = [({"messages": messages + good}, "")]
    if wanted.form == "preference":
        forms = [
            (
                {
                    "input": {"messages": messages},
                    "preferred_output": good,
                    "non_preferred_output": [{"role": "assistant", "content": other}],
                },
                other,
            )
            for other in example.others
        ]
    for form, other in forms:
        tokens = asked + sum(count(text, model) + PER_TURN for text in (example.answer, other) if text)
        text = orjson.dumps(form, option=orjson.OPT_APPEND_NEWLINE)
        yield _Line(text, question, tokens, _objection(example, wanted, tokens))


def _objection(example: Example, wanted: Wanted, tokens: int) -> str:
    """Why an example is left out; '' where it is not."""
    roles = [message.get("role") for message in example.messages]
    parts = [part for one in example.messages if isinstance(one["content"], list) for part in one["content"]]
    if wanted.form == "preference" and any(part.get("type") != "text" for part in parts):
        return "they have pictures or recordings, and pairs are text alone"
    if example.private:
        return "they hold a value of a private column"
    if example.soft and not wanted.with_soft:
        return "a soft check complains of them (--with-soft takes them in)"
    if not example.answer.strip() or not all(message.get("content") for message in example.messages):
        return "a message or the answer is empty"
    if not roles or roles[-1] != "user" or not _ROLES.issuperset(roles):
        return "their last message is not the user's"
    return f"they are longer than {LONGEST:,} tokens" if tokens > LONGEST else ""


class _Found:
    """What is kept of each line, in memory: sixteen bytes."""

    def __init__(self) -> None:
        self.questions, self.tokens = array("Q"), array("Q")

    def sides(self, wanted: Wanted) -> list[int]:
        """For each line its file: 0 training, 1 validation; where there are two questions, both have some."""
        distinct = set(self.questions) if wanted.share else set()
        most = min(max(1, round(len(distinct) * wanted.share)), max(0, len(distinct) - 1))

        def drawn(question: int) -> bytes:
            return blake2b(b"%d %d" % (wanted.seed, question)).digest()

        chosen = set(sorted(distinct, key=drawn)[:most])
        return [int(question in chosen) for question in self.questions]


def _divide(spool: IO[bytes], sides: Sequence[int], paths: Sequence[Path], rights: int) -> None:
    """Copy the lines to their files, and move these into place when all are complete."""
    files: list[tuple[IO[bytes], Path]] = []
    with ExitStack() as stack:
        for path in paths:
            remove_leftovers(path)
            descriptor, aside = locked_file(path, rights)
            stack.callback(aside.unlink, missing_ok=True)
            files.append((stack.enter_context(os.fdopen(descriptor, "wb")), aside))
        for side, line in zip(sides, spool, strict=True):
            files[side][0].write(line)
        for file, _ in files:
            file.flush()
            os.fsync(file.fileno())
        for (_, aside), path in zip(files, paths, strict=True):
            aside.replace(path)
        sync_folder(paths[0].parent)


def refuse_path(path: Path, taken: Iterable[Path]) -> None:
    """Refuse a path that no examples can be written to, or where another file of the job is."""
    if path.suffix != SUFFIX or path.is_dir():
        hint = f"name a file that ends in {SUFFIX}: training{SUFFIX}"
        raise JobError("examples cannot be written there", where=str(path), hint=hint)
    if any(Path(os.path.realpath(other)) == Path(os.path.realpath(path)) for other in taken):
        raise JobError("this is another file of the job; name a new one", where=str(path))
