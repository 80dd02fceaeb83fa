"""YAML files of messages (.yml, .yaml), such as Rails': every text that holds words, in its own quotes.

Anchors, aliases, tags and comments stay as they are. A key at the top that names the language is renamed.
This module does not know what a message is for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath

import yaml

from pipeline.core.document import Document, Policy, Segment
from pipeline.core.errors import InputError
from pipeline.documents._texts import Spot, Texts, decoded, no_words, tags

SUFFIXES = (".yml", ".yaml")
_SETTINGS = re.compile(
    r"(?:mkdocs|_config|docker-compose.*|compose|action|pubspec|chart|values|.*-lock|codecov|config|\..*)\.ya?ml"
)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same events, ten times as fast
_RESOLVER = yaml.resolver.Resolver()
_TEXT = "tag:yaml.org,2002:str"
_PREFIX = re.compile(r"(?:[&!][^\s,\[\]{}]*\s+)*")
_HEADER = re.compile(r"[|>][-+0-9]*[^\n]*\n")
_FIRST_LINE = re.compile(r"(?:[ ]*\r?\n)*([ ]*)")
_UNSAFE = re.compile(r": |:$| #|[\s]$")
# YAML 1.1 ends a line at these too, and editors do not show it
_BREAKS = re.compile("[\x85\u2028\u2029]")
_MOST_NESTED = 200
_FLOW = re.compile(r"[,\[\]{}]")
_UNPRINTABLE = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


@dataclass(slots=True)
class _Level:
    """A mapping or a list that is open."""

    mapping: bool
    flow: bool
    key: str = ""
    count: int = 0
    """how many keys and values, or items, have begun"""


@dataclass(frozen=True, slots=True)
class _Scalar:
    event: yaml.ScalarEvent
    path: tuple[str, ...]
    flow: bool
    key: bool


def recognises(name: str, content: bytes) -> bool:
    """Any YAML but the settings of well-known tools, and job files of this tool."""
    path = PurePath(name)
    if b"/job.schema.json" in content[:1000]:
        return False
    return not _SETTINGS.fullmatch(path.name.lower()) and ".github" not in path.parts


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The texts of a YAML file."""
    source = decoded(name, content)
    spots, top = [], []
    eol = "\r\n" if "\r\n" in source.text else "\n"
    for scalar in _scalars(name, source.text):
        if scalar.key:
            top += [scalar] if not scalar.path else []
            continue
        spot = _spot(source.text, scalar, eol)
        reason = no_words(spot.segment.text) if _is_text(scalar.event) else "not a text"
        if _BREAKS.search(source.text, _begin(scalar.event), spot.end):
            reason = "rare line breaks"
        spots.append(spot._replace(reason=reason))
    language = None
    if len(top) == 1 and _names_language(top[0].event.value, name, policy.source):
        language = _spot(source.text, top[0], eol)._replace(reason="language")
    return Texts(content, source, spots, rest="keys", language=language)


def _scalars(name: str, text: str) -> Iterator[_Scalar]:
    """Every key and value with its path. Aliases are not followed."""
    levels: list[_Level] = []
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.CollectionEndEvent):
                levels.pop()
            elif isinstance(event, yaml.NodeEvent):
                level = levels[-1] if levels else _Level(False, False)
                is_key = level.mapping and level.count % 2 == 0
                level.count += 1
                if not level.mapping:
                    level.key = str(level.count - 1)
                elif is_key:
                    level.key = event.value if isinstance(event, yaml.ScalarEvent) else "?"
                if isinstance(event, yaml.ScalarEvent):
                    path = tuple(outer.key for outer in (levels[:-1] if is_key else levels))
                    yield _Scalar(event, path, level.flow, is_key)
                elif isinstance(event, yaml.CollectionStartEvent):
                    flow = level.flow or bool(event.flow_style)
                    levels.append(_Level(isinstance(event, yaml.MappingStartEvent), flow))
                    if len(levels) > _MOST_NESTED:
                        raise InputError("it is nested too deeply", where=name)
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        where = f"{name}, line {mark.line + 1}" if mark else name
        hint = "look for a wrong indent, a quote that is not closed, or a tab"
        raise InputError("this is not YAML", where=where, hint=hint) from None


def _is_text(event: yaml.ScalarEvent) -> bool:
    if event.tag not in (None, "!", _TEXT):
        return False
    return event.tag is not None or event.style in ("'", '"', "|", ">") or _resolved(event.value)


def _resolved(text: str) -> bool:
    """Whether a plain scalar is a text, and no number, truth value or date."""
    tag: str = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return tag == _TEXT


def _names_language(key: str, name: str, source: str) -> bool:
    tag = key.lower().replace("_", "-")
    stem = PurePath(name).stem.lower().replace("_", "-").split(".")[-1]
    return tag in (stem, source.lower().replace("_", "-"))


def _begin(event: yaml.ScalarEvent) -> int:
    return event.start_mark.index if event.start_mark else 0


def _spot(text: str, scalar: _Scalar, eol: str) -> Spot:
    event = scalar.event
    start = _begin(event)
    end = event.end_mark.index if event.end_mark else start
    prefix = _PREFIX.match(text, start, end)
    start = prefix.end() if prefix else start
    value: str = event.value
    written: Callable[[str], str]
    if event.style in ("|", ">"):
        value = value.strip("\n")
        header = _HEADER.match(text, start, end)
        block = header.end() if header else end
        first = _FIRST_LINE.match(text, block, end)
        given = re.search(r"\d", text[start:block].split("#")[0])
        indent = first[1] if first else ""
        if given and value.startswith(" "):
            indent = indent[: len(indent) - (len(value) - len(value.lstrip(" ")))]
        start = first.start(1) + len(indent) if first else block
        end = max(start, start + len(text[start:end].rstrip()))
        written = partial(_literal if event.style == "|" else _folded, eol + indent)
    elif event.style == "'":
        written = _single
    else:
        written = _double if event.style == '"' else partial(_plain, scalar.flow)
    segment = Segment(value, "message", ".".join(scalar.path), markup=tags(value))
    return Spot(start, end, segment, written)


def _double(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: json.dumps(found[0])[1:-1], quoted)


def _single(text: str) -> str:
    if "\n" in text or "\t" in text or _UNPRINTABLE.search(text):
        return _double(text)
    return "'" + text.replace("'", "''") + "'"


def _plain(flow: bool, text: str) -> str:
    letters = text[:1].isalpha() and "\n" not in text and "\t" not in text
    if not letters or _UNSAFE.search(text) or _UNPRINTABLE.search(text) or (flow and _FLOW.search(text)):
        return _double(text)
    return text if _resolved(text) else _double(text)


def _literal(newline: str, text: str) -> str:
    lines = [line.rstrip() for line in _UNPRINTABLE.sub("", text).strip().split("\n")]
    return re.sub(r"[ ]+(?=\r?\n)", "", newline.join(lines))


def _folded(newline: str, text: str) -> str:
    lines = [line.strip() for line in _UNPRINTABLE.sub("", text).strip().split("\n")]
    return re.sub(r"[ ]+(?=\r?\n)", "", newline.join("\n".join(lines).replace("\n", "\n\n").split("\n")))
