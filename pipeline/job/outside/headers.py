"""What a job sends besides its requests' bodies: headers of its own, whose secrets are in the environment.

The job file has the names of variables: `{env: NAME}`. This module sends nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator

from pipeline.core.errors import JobError

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_LONGEST = 8000
_NOT_SENT = {
    "authorization": "it carries the key: name its variable in api_key_env",
    "proxy-authorization": "options.proxy names a variable with the proxy's address, user and password",
    **dict.fromkeys(
        ("host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection",
         "expect", "keep-alive", "te", "trailer", "upgrade", "accept-encoding"),
        "it says how the request is sent, which is not the job's to change",
    ),
}  # fmt: skip
"""headers that a job cannot set, each with the reason"""
_SECRET = re.compile(r"key|token|secret|auth|password|credential|cookie|session", re.IGNORECASE)
"""names of headers that carry secrets"""


def variable_of(value: Any) -> str:
    """The name in `{env: NAME}`; '' for anything else."""
    name = value.get("env") if isinstance(value, dict) and len(value) == 1 else None
    return name if isinstance(name, str) and _VARIABLE.fullmatch(name) else ""


def _headers(value: Any, free: Collection[str] = ()) -> dict[str, Any]:
    """Refuse headers that cannot be sent, that are set elsewhere, or that hold a secret themselves.

    Those in `free` are not set elsewhere.
    """
    if not isinstance(value, dict):
        raise ValueError("must be a mapping of names and values: {X-Team: writers}")
    seen = set[str]()
    for name, text in value.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError("a header's name has letters, digits and hyphens: X-Team")
        if name.lower() not in free and (reason := _NOT_SENT.get(name.lower())):
            raise ValueError(f"the header {name} cannot be set: {reason}")
        if name.lower() in seen:
            raise ValueError(f"the header {name} is there twice")
        seen.add(name.lower())
        if variable_of(text):
            continue
        if not isinstance(text, str):
            raise ValueError(f"the header {name} must be a text in quotes, or {{env: NAME_OF_A_VARIABLE}}")
        if _SECRET.search(name):
            raise ValueError(
                f"the header {name} looks like a secret, and a job file must not contain one: "
                f"put it into an environment variable, and write {name}: {{env: NAME_OF_THE_VARIABLE}}"
            )
        if not _is_sendable(text):
            raise ValueError(f"the header {name} must be one line of ASCII characters, and not empty")
    return value


def _is_sendable(text: str) -> bool:
    return 0 < len(text) <= _LONGEST and text.isascii() and text.isprintable() and text == text.strip()


def value_of(what: str, text: Any) -> str:
    """A text, or what the variable that it names holds; `JobError` where it holds nothing usable."""
    if not (name := variable_of(text)):
        return str(text)
    value = os.environ.get(name, "").strip()
    if not value:
        unset = f"the environment variable {name} is not set, and {what} needs it"
        raise JobError(unset, hint=f"export {name}=…")
    if not _is_sendable(value):
        raise JobError(f"the environment variable {name} holds something that cannot be sent in a header")
    return value


Headers = Annotated[dict[str, Any], BeforeValidator(_headers)]
HeadersOfHook = Annotated[dict[str, Any], BeforeValidator(partial(_headers, free=("authorization",)))]
