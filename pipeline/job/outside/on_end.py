"""Who is told when a run ends: the address of a webhook, or a command.

What is secret stands in environment variables. This module sends nothing and starts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from pipeline.core.errors import Detached
from pipeline.core.suggest import nearest
from pipeline.job.fields import Number, Spec, Texts, is_here
from pipeline.job.outside.headers import HeadersOfHook, variable_of

FACTS = (
    "job", "outcome", "reason", "exit_code", "ok", "failed", "skipped", "pending", "sent", "recalled", "cost",
    "most_cost", "seconds", "ended", "result", "failures", "folder",
)  # fmt: skip
"""what is told, by name; an argument of a command may have {NAME}"""
_NAMED = re.compile(r"\{(\w+)\}")
_SECRET_ADDRESS = re.compile(
    r"//(hooks\.slack\.com|[\w.]*webhook\.office\.com|discord(app)?\.com/api/webhooks|chat\.googleapis\.com)"
    r"|[?&][^=]*(key|token|secret|sig|password|auth)[^=]*=",
    re.IGNORECASE,
)
"""addresses that are secrets themselves: who knows them may write there"""


class OnEnd(Spec):
    """Somebody who is told when a run ends."""

    webhook: Any = Field(
        "",
        description="an address that gets one POST of JSON: https, or this machine; {env: NAME} where it is "
        "secret",
        json_schema_extra={"anyOf": [{"type": "string"}, {"type": "object"}]},
    )
    headers: HeadersOfHook = Field({}, description="of the POST; a secret as {env: NAME}")
    plain_http: bool = Field(False, description="allow http to another machine, in a network of your own")
    command: Texts = Field(
        (),
        description="a program and its arguments, with {outcome} and other facts; it gets the JSON on its "
        "standard input, runs in the job file's folder without a shell, and only with --allow-code",
    )
    timeout: Number = Field(60, ge=1, le=3600, description="seconds that the command may take")
    when: Literal["always", "failed", "done"] = Field(
        "always", description="always; failed: the exit code is not 0; done: it is 0"
    )

    @field_validator("webhook")
    @classmethod
    def _usable(cls, webhook: Any) -> Any:
        if variable_of(webhook) or webhook == "":
            return webhook
        if not isinstance(webhook, str):
            raise ValueError("must be an address, or {env: NAME_OF_THE_VARIABLE} that holds it")
        if _SECRET_ADDRESS.search(webhook):
            raise ValueError(
                "this address is a secret, and a job file must not contain one; put it into an environment "
                "variable, and write webhook: {env: NAME_OF_THE_VARIABLE}"
            )
        check_address(webhook, plain_http=True)
        return webhook

    @field_validator("command")
    @classmethod
    def _known(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        for word in command:
            if "\0" in word or not word:
                raise ValueError("an argument must be a text that is not empty, without a NUL character")
            for name in _NAMED.findall(word):
                if name not in FACTS:
                    raise ValueError(
                        f"there is no {{{name}}}; {nearest(name, FACTS) or 'known: ' + ', '.join(FACTS)}"
                    )
        return command

    @model_validator(mode="after")
    def _one_of_both(self) -> OnEnd:
        if bool(self.webhook) == bool(self.command):
            raise ValueError("name a webhook or a command; for both write a list of two")
        if self.webhook and not variable_of(self.webhook):
            check_address(self.webhook, plain_http=self.plain_http)
        return self

    @property
    def told(self) -> str:
        """Who is told, in words that hold no secret."""
        if self.command:
            return f"the command {self.command[0]} is run, with --allow-code"
        named = variable_of(self.webhook)
        where = f"in the variable {named}" if named else f"at {urlsplit(self.webhook).hostname}"
        return f"the webhook {where} is told"

    def wanted(self, exit_code: int, outcome: str) -> bool:
        """Whether it is told of such an end; one that waits for batches has not failed and is not done."""
        if self.when == "always" or outcome == Detached.outcome:
            return self.when == "always"
        return (exit_code == 0) == (self.when == "done")

    def arguments(self, facts: dict[str, str]) -> list[str]:
        """The command with the facts in their places."""
        return [_NAMED.sub(lambda found: facts[found[1]], word) for word in self.command]


def check_address(address: str, *, plain_http: bool) -> None:
    """Refuse what nothing can be posted to, and what would go over a network in plain text."""
    try:
        parts = urlsplit(address)
        host, fits = parts.hostname or "", parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        host, fits = "", False
    plain = address.isascii() and address.isprintable() and " " not in address
    if not (fits and host and plain) or "@" in parts.netloc:
        raise ValueError("must be an address that begins with https://, and has no blank and no password")
    if parts.scheme == "http" and not (plain_http or is_here(host)):
        raise ValueError(
            "would go over the network in plain text; write https://, or plain_http: true in a network of "
            "your own"
        )


def keys_of(settings: Any) -> Iterator[str]:
    """The variables that settings name as keys, wherever they stand."""
    if isinstance(settings, dict):
        if name := variable_of(settings) or settings.get("api_key_env"):
            yield str(name)
        settings = list(settings.values())
    if isinstance(settings, list | tuple):
        for part in settings:
            yield from keys_of(part)


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


OnEnds = Annotated[
    tuple[OnEnd, ...],
    Field(max_length=8),
    BeforeValidator(_listed, json_schema_input_type=OnEnd | list[OnEnd]),
]
