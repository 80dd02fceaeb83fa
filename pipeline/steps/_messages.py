"""Whole turns in place of one prompt: written in the job file, or taken from a column.

A conversation has at most one system message, which stands first, and it ends with a message of the user,
which the model answers. This module does not know how a conversation is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

import orjson
from pydantic import AfterValidator, BeforeValidator

from pipeline.answers.options import TemplateAt
from pipeline.core.domain import Fault, Values
from pipeline.core.suggest import nearest
from pipeline.job.fields import Spec, Template, one_expression
from pipeline.templates.template import Template as Compiled

MOST = 1_000
"""the most messages of a conversation"""
Role = Literal["system", "user", "assistant"]
Turns = tuple[tuple[str, str], ...]
"""(role, text) in their order"""
_ROLES: tuple[str, ...] = get_args(Role)
_FORM = "a list of {role, content}"
_ALSO = {"human": "user", "gpt": "assistant", "model": "assistant", "bot": "assistant", "developer": "system"}
"""what roles are called elsewhere"""


class Message(Spec):
    """One message of a conversation."""

    role: Role
    content: Template


def _is_either(value: object) -> object:
    """Refuse a wrong value in one sentence, and not in one for each type that was possible."""
    if isinstance(value, str):
        return one_expression(value)
    if not isinstance(value, list | tuple):
        raise ValueError(f"must be {_FORM}, or a template for one; for example [{{role: user, content: Hi}}]")
    return value


def _in_order(value: tuple[Message, ...] | str) -> tuple[Message, ...] | str:
    if wrong := "" if isinstance(value, str) else _out_of_order([one.role for one in value]):
        raise ValueError(wrong)
    return value


Messages = Annotated[tuple[Message, ...] | Template, BeforeValidator(_is_either), AfterValidator(_in_order)]


def _out_of_order(roles: Sequence[str]) -> str:
    """What is wrong with the order of the messages; '' for nothing."""
    if not 1 <= len(roles) <= MOST:
        return f"has {len(roles):,} messages, and must have from 1 to {MOST:,}"
    if "system" in roles[1:]:
        return "has a system message that does not stand first; put all of it into one, at the beginning"
    if roles[-1] != "user":
        return (
            f"ends with a message of the {roles[-1]}; the last one must be of the user: the model answers it"
        )
    return ""


class Dialogue:
    """The messages of a step, ready to be rendered; (system text, turns) for each row."""

    def __init__(self, messages: tuple[Message, ...] | str, template: TemplateAt) -> None:
        given = messages if isinstance(messages, tuple) else ()
        self._roles = [one.role for one in given]
        self._texts = [template("messages", place, "content") for place in range(len(given))]
        self._whole = None if given else template("messages")
        self.templates: dict[str, Compiled] = {
            f"messages.{place}.content": text for place, text in enumerate(self._texts)
        }
        if self._whole:
            self._whole.native = True
            self.templates["messages"] = self._whole

    def of(self, values: Values) -> tuple[str, Turns]:
        """The system text and the turns of a row; a `Fault` where what the templates give is none."""
        if self._whole is None:
            texts = (text.render(values) for text in self._texts)
            said: Any = [{"role": r, "content": t} for r, t in zip(self._roles, texts, strict=True)]
            where = self._texts[0].locate
        else:
            said, where = self._whole.value(values), self._whole.locate
        try:
            turns = tuple(_turn(one, place) for place, one in enumerate(_listed(said), 1))
            if wrong := _out_of_order([role for role, _ in turns]):
                raise ValueError(f"the conversation {wrong}")
        except ValueError as error:
            raise Fault("template", f"{where(1, 1)}: {error}") from None
        system = turns[0][1] if turns[0][0] == "system" else ""
        return system, turns[1:] if system else turns


def _listed(said: object) -> list[Any] | tuple[Any, ...]:
    """The messages of a list, or of JSON text."""
    if isinstance(said, str):
        try:
            said = orjson.loads(said.encode("utf-8", "replace"))
        except orjson.JSONDecodeError:
            raise ValueError(f"messages must be {_FORM}, and this is a text that is no JSON") from None
    if not isinstance(said, list | tuple):
        kind = "nothing" if said is None else "something else"
        raise ValueError(f"messages must be {_FORM}, and this is {kind}")
    return said


def _turn(one: object, place: int) -> tuple[str, str]:
    if not isinstance(one, Mapping):
        raise ValueError(f"message {place} is no {{role, content}}")
    role, content = one.get("role"), one.get("content")
    if role not in _ROLES:
        other = _ALSO.get(str(role)) or nearest(str(role), _ROLES)
        meant = f"; write {other}" if str(role) in _ALSO else f"; {other}" if other else ""
        raise ValueError(
            f"message {place} has the role {str(role)[:40]!r}, not one of {', '.join(_ROLES)}{meant}"
        )
    if not isinstance(content, str):
        raise ValueError(f"message {place} has a content that is no text; pictures go into `images`")
    if not content.strip():
        raise ValueError(f"message {place} is empty")
    for name, value in one.items():
        if name not in ("role", "content") and value is not None:
            raise ValueError(f"message {place} has '{str(name)[:40]}', which is not sent; leave it out")
    return str(role), content
