"""What the template engine and Python say about a template -> our own words, with what to do.

Tables, read from the top to the bottom. This module does not know where a template stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.core.suggest import nearest

_TAGS = (
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "set",
    "endset",
    "macro",
    "endmacro",
    "raw",
    "endraw",
)
_BLANKS = re.compile(r"\{(?:\{|% *(?:el)?if )-? *(?:row\.)?(\w+(?: +[\w%&/.#-]+)+) *(\|[^{}]*?)? *-?[%}]\}")
_TEXTS = re.compile(r"'[^']*'|\"[^\"]*\"")
_SLIP = re.compile(r"\{[{%][^{}]*?(&&|\|\||[!=]==|<>|!(?!=)|\?)")
_SLIPS = {"&&": "write and", "||": "write or", "===": "write ==", "!==": "write !=", "<>": "write !=",
          "!": "write not", "?": "write {{ a if test else b }}"}  # fmt: skip
"""signs of other languages, and what stands for them here"""
_MALFORMED = (
    (r"unknown tag 'raw'|end of raw", "{% raw %} is not whole", "write {% raw %} text {% endraw %}"),
    (r"unknown tag '((?:end|el)\w*)'", "{{% {0} %}} has no beginning", "begin with {{% if … %}}"),
    (r"unknown tag '(\w+)'", "there is no tag '{0}'", ""),
    (r"needs to be closed is '(\w+)'", "{{% {0} %}} is not closed", "end it with {{% end{0} %}}"),
    (r"end of comment", "a comment is not closed", "end it with #}"),
    (r"unexpected char '([“”„‘’«»])'", "{0} is no quote", "use straight quotes: 'text'"),
    (r"unexpected char '(.+?)' at", "the sign {0} has no meaning here", "put a text in quotes: 'text'"),
    (r"statement block", "a {% … %} holds more than it can", "write {% elif … %}; compare by =="),
    (r"print statement|'}'|end of template", "a {{ is not closed, or holds too much", "write {{ title }}"),
    (r"", "an expression cannot be read", "write {{ title }}, or with a filter {{ title | upper }}"),
)  # fmt: skip
_NUMBER = "a cell of csv and tsv is text: write {0} | int, or {0} | float"
_UNFIT = (
    (
        r"NoneType",
        "an empty value cannot be counted with; write {0} | int to take it as 0, or skip the row: when",
    ),
    (
        r"concatenate (?:str \(not \"list|list \(not \"str)",
        "a text and a list do not go together; a cell of csv is text, and lists come from jsonl or parquet",
    ),
    (r"str.*(?:int|float)|(?:int|float).*str|sequence", f"a text and a number do not go together; {_NUMBER}"),
    (r"__round__|unary|real number|__abs__|must be", f"a text is no number; {_NUMBER}"),
    (r"ZeroDivision", "a division by zero; test for it first: {{% if {0} | float %}}"),
    (r"iterable|len\(\)|subscript", "a single value is no list; a list is written [{0}]"),
    (r"MemoryError", "it took too much memory"),
    (r"", "an expression does not fit the values of this row"),
)
_ATTRIBUTE = re.compile(r"^'?(?:(\w+) object|(None)|.*Undefined object)'? has no (?:attribute|element) (.+)$")
_EMPTY = re.compile(r"No (\w+) item, sequence was empty")
_NOUNS = {"str": "a text", "dict": "a mapping", "list": "a list", "int": "a number", "float": "a number"}


def malformed(said: str, line: str) -> tuple[str, str]:
    """(what is wrong, what to do) for what the engine says about a line of a template."""
    if slip := _SLIP.search(_TEXTS.sub("", line)):
        return f"the sign {slip[1]} has no meaning here", _SLIPS[slip[1]]
    if found := _BLANKS.search(line):
        filters = f" {found[2].strip()}" if found[2] else ""
        what = f'write a column with a blank in its name as {{{{ row["{found[1]}"]{filters} }}}}'
        return f"'{found[1]}' is not one name", what
    for pattern, what, hint in _MALFORMED:
        if found := re.search(pattern, said):
            groups = found.groups()
            near = (
                nearest(groups[0], _TAGS) or f"the tags are {', '.join(_TAGS)}" if groups and not hint else ""
            )
            return what.format(*groups) if groups else what, near or (
                hint.format(*groups) if groups else hint
            )
    raise AssertionError  # the last row fits to all


def unknown(kind: str, name: str, known: Iterable[str]) -> tuple[str, str]:
    """(what is wrong, what to do) for a filter or a test that does not exist."""
    names = sorted(known)
    return f"there is no {kind} '{name}'", nearest(name, names) or f"known: {', '.join(names)}"


def unfit(error: Exception, name: str) -> str:
    """What is wrong with the values; `name` is the one that the line reads."""
    said = f"{type(error).__name__}: {error}"
    return next(what.format(name) for pattern, what in _UNFIT if re.search(pattern, said))


def undefined(said: str, filters: Iterable[str]) -> str:
    """The engine's sentence about something that is not there, without the names of Python's types."""
    if found := _EMPTY.match(said):
        what = {"first": "first item", "last": "last item"}.get(found[1], "largest or smallest item")
        return f"an empty list has no {what}; test for it first: {{% if LIST %}}"
    found = _ATTRIBUTE.match(said)
    if not found:
        return said
    noun = _NOUNS.get(found[1], "an empty value" if found[2] else "it")
    filtered = found[3].strip("'")
    way_out = f"; write {{{{ … | {filtered} }}}}" if found[1] == "str" and filtered in filters else ""
    return f"{noun} has no {found[3]}{way_out}"
