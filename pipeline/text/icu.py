"""Messages in ICU MessageFormat: `{n, plural, one {# file} other {# files}}`. Are two of them alike?

A translation has the same arguments; its `plural` has the categories of its language, its `select` the same
keys. This module does not know where a message comes from.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from pipeline.core.document import Finding
from pipeline.text._cldr import categories

_MOST_NESTED = 25
_NAME = re.compile(r"\s*([^\s{},'#<>]+)\s*")
_TYPE = re.compile(r"\s*(\w+)\s*")
_OFFSET = re.compile(r"\s*offset:\s*\d+")
_KEY = re.compile(r"\s*(=\d+|[^\s{},'#=]+)\s*(?=\{)")
_SPACE = re.compile(r"(\s*)")
_QUOTED = re.compile(r"'[^']*(?:''[^']*)*'?")
_PLAIN = re.compile(r"[^{}']+")
_CHOICES = {"plural", "select", "selectordinal"}
_MOST_TOLD = 5


class _Broken(ValueError):
    """What is wrong with a message, for the model that wrote it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A `plural`, `selectordinal` or `select`, with the keys of its branches."""

    name: str
    kind: str
    keys: tuple[str, ...]


@dataclass(slots=True)
class Message:
    """What stands in a message."""

    arguments: Counter[str] = field(default_factory=Counter)
    """each name, as often as it can be shown at once: the most of all branches"""
    always: set[str] = field(default_factory=set)
    """the names that stand in every branch"""
    types: set[tuple[str, str]] = field(default_factory=set)
    choices: list[Choice] = field(default_factory=list)


def parsed(text: str, *, quoting: bool = True) -> Message | None:
    """What stands in a message; None where it is none. `quoting`: `'{'` is a brace and no argument."""
    try:
        return _Parser(text, quoting).whole()
    except _Broken:
        return None


def icu_findings(source: str, target: str, language: str) -> list[Finding]:
    """What is wrong with the translation of an ICU message into a language."""
    found = list(_findings(source, target, language, True))
    if found and re.search(r"'[{}]", source):
        # some programs (Flutter) do not quote: there `'{name}'` holds an argument
        other = list(_findings(source, target, language, False))
        return min(found, other, key=len)
    return found


def _findings(source: str, target: str, language: str, quoting: bool) -> Iterator[Finding]:
    before = parsed(source, quoting=quoting)
    if before is None:
        return
    try:
        after = _Parser(target, quoting).whole()
    except _Broken as error:
        what = f"Your translation is no ICU message: {error}. Keep the braces and the keywords of the text."
        yield Finding("icu", what)
        return
    for finding in _arguments(before, after):
        quoted = finding.hard and "'{" in target and "'{" not in source
        hint = " Write ’ for an apostrophe before a brace." if quoted else ""
        yield replace(finding, message=finding.message + hint)
    yield from _selects(before, after)
    yield from _plurals(before, after, language)


def _arguments(before: Message, after: Message) -> Iterator[Finding]:
    lost, new = before.arguments - after.arguments, after.arguments - before.arguments
    said = [f"{what} {_listed(names)}" for what, names in (("lost", lost), ("has too many", new)) if names]
    if said:
        what = f"Your translation {' and '.join(said)}. Keep each argument of the text, and add none."
        yield Finding("placeholders", what)
        return
    if missing := sorted(before.always - after.always):
        what = f"A branch of your translation lacks {_listed(missing)}, which every branch of the text has."
        yield Finding("placeholders", what, hard=False)
    kinds = {name for name, kind in before.types - after.types if kind not in _CHOICES}
    if kinds:
        yield Finding(
            "placeholders", f"Your translation changed the type of {_listed(sorted(kinds))}. Keep it."
        )
    choices = {(name, kind) for name, kind in before.types - after.types if kind in _CHOICES}
    for name, kind in sorted(choices):
        what = f"Your translation has no {kind} for {{{name}}}. Keep it, with the branches of its language."
        yield Finding("plural", what, hard=kind == "select")


def _selects(before: Message, after: Message) -> Iterator[Finding]:
    for name, wanted in sorted(_keys(before, "select").items()):
        found = _keys(after, "select").get(name, wanted)
        if found != wanted:
            keys = ", ".join(sorted(wanted))
            what = f"The keys of the select for {{{name}}} are {keys}: translate none of them."
            yield Finding("plural", what)


def _keys(message: Message, kind: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for choice in message.choices:
        if choice.kind == kind:
            found.setdefault(choice.name, set()).update(choice.keys)
    return found


def _plurals(before: Message, after: Message, language: str) -> Iterator[Finding]:
    numbers = _keys(before, "plural")
    for choice in dict.fromkeys(choice for choice in after.choices if choice.kind != "select"):
        known = categories(language, ordinal=choice.kind == "selectordinal")
        if known is None:
            continue
        keys = set(choice.keys)
        lacking = known.needed - keys
        hard = {key for key in lacking if known.instead.get(key) not in keys}
        missing = hard | (lacking & known.wider)
        where = f"the {choice.kind} for {{{choice.name}}}"
        wanted = ", ".join(sorted(known.needed))
        if missing:
            yield Finding(
                "plural", f"In {where}, {_listed(missing)} is missing: {language} has {wanted}.", bool(hard)
            )
        extra = {key for key in keys if key[0] != "="} - known.allowed
        if extra:
            what = f"In {where}, {_listed(extra)} is never used: {language} has {wanted} only."
            yield Finding("plural", what, hard=False)
        lost = {key for key in numbers.get(choice.name, ()) if key[0] == "="} - keys
        if lost and choice.kind == "plural" and not lost <= {known.instead.get(key) for key in keys}:
            yield Finding(
                "plural", f"In {where}, {_listed(lost)} of the text is missing. Keep it.", hard=False
            )


def _listed(names: Iterable[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:_MOST_TOLD]) + (" and others" if len(shown) > _MOST_TOLD else "")


class _Parser:
    """Reads a message from its beginning to its end, once."""

    def __init__(self, text: str, quoting: bool) -> None:
        self.text, self.quoting = text, quoting
        self.at = 0
        self.types: set[tuple[str, str]] = set()
        self.choices: list[Choice] = []

    def whole(self) -> Message:
        """The message."""
        most, always = self.message(0, "")
        if self.at < len(self.text):
            raise _Broken("a } closes nothing")
        return Message(most, set(always), self.types, self.choices)

    def message(self, depth: int, number: str) -> tuple[Counter[str], set[str]]:
        """The arguments until the brace that ends this message: the most, and those that are always there.

        `number` is the argument of the plural around it, which `#` stands for.
        """
        if depth > _MOST_NESTED:
            raise _Broken("it is nested too deeply")
        most: Counter[str] = Counter()
        always: set[str] = set()
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign == "}":
                break
            if sign == "{":
                self.at += 1
                more, sure = self.argument(depth)
                more.pop(number, 0)
                most += more
                always |= sure - {number}
            elif sign == "'":
                self.quote(bool(number))
            else:
                found = _PLAIN.match(self.text, self.at)
                self.at = found.end() if found else self.at + 1
        return most, always

    def quote(self, plural: bool) -> None:
        """Go over an apostrophe, and over what it quotes."""
        after = self.text[self.at + 1 : self.at + 2]
        if after == "'" or not self.quoting or after not in ("{", "}", "#" if plural else "{"):
            self.at += 2 if after == "'" else 1
            return
        found = _QUOTED.match(self.text, self.at)
        self.at = found.end() if found else len(self.text)

    def argument(self, depth: int) -> tuple[Counter[str], set[str]]:
        """What stands between `{` and `}`."""
        name = self.expect(_NAME, "after { stands the name of an argument")
        if self.taken("}"):
            self.types.add((name, ""))
            return Counter([name]), {name}
        if not self.taken(","):
            raise _Broken(f"after {{{name} stands a comma or a }}")
        kind = self.expect(_TYPE, f"after {{{name}, stands a type")
        self.types.add((name, kind))
        most, sure = Counter([name]), {name}
        if kind in _CHOICES:
            self.need(",", f"after {{{name}, {kind} stands a comma")
            more, always = self.branches(name, kind, depth)
            return most + more, sure | always
        if self.taken(","):
            self.style()
        self.need("}", f"the argument {{{name} is not closed by a }}")
        return most, sure

    def branches(self, name: str, kind: str, depth: int) -> tuple[Counter[str], set[str]]:
        """The branches of a choice, with the brace that ends it."""
        if kind != "select" and (offset := _OFFSET.match(self.text, self.at)):
            self.at = offset.end()
        keys: list[str] = []
        most: Counter[str] = Counter()
        always: set[str] | None = None
        while found := _KEY.match(self.text, self.at):
            keys.append(found[1])
            self.at = found.end() + 1
            more, sure = self.message(depth + 1, name if kind != "select" else "")
            most |= more
            always = sure if always is None else always & sure
            self.need("}", f"the branch {found[1]} of {{{name}}} is not closed by a }}")
        self.expect(_SPACE, "")
        self.need("}", f"the {kind} for {{{name}}} is not closed by a }}")
        if "other" not in keys:
            raise _Broken(f"the {kind} for {{{name}}} has no branch 'other'")
        if len(set(keys)) < len(keys):
            raise _Broken(f"the {kind} for {{{name}}} has one branch twice")
        self.choices.append(Choice(name, kind, tuple(keys)))
        return most, always or set()

    def style(self) -> None:
        """Go over the style of an argument, which may hold braces in pairs."""
        depth = 0
        for found in re.compile(r"[{}]").finditer(self.text, self.at):
            depth += 1 if found[0] == "{" else -1
            if depth < 0:
                self.at = found.start()
                return
        raise _Broken("a { is not closed")

    def expect(self, pattern: re.Pattern[str], wrong: str) -> str:
        """What a pattern finds here."""
        found = pattern.match(self.text, self.at)
        if not found:
            raise _Broken(wrong)
        self.at = found.end()
        return found[1]

    def need(self, sign: str, wrong: str) -> None:
        """Go over a sign that has to stand here."""
        if not self.taken(sign):
            raise _Broken(wrong)

    def taken(self, sign: str) -> bool:
        """Whether a sign stands here; then it is gone over."""
        here = self.text.startswith(sign, self.at)
        self.at += here
        return here
