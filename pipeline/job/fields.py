"""The kinds of values in a job file, each with what it refuses.

This module knows no key of a job.
"""

from __future__ import annotations

import json
import re
from ipaddress import ip_address
from math import isfinite
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StrictInt,
    StringConstraints,
    Tag,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from pipeline.core.clock import hours_of
from pipeline.text.counting import Unit

_IDENTIFIER = r"^[A-Za-z_][A-Za-z0-9_]*$"
_JOB_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
_ADDRESS = r"^(https?://[^\s@]+)?$"
_VARIABLE = r"^([A-Z_][A-Z0-9_]*)?$"
SOME_PATH = r"^[^\x00]+$"
LEDGER = r"^[A-Za-z0-9_-]{1,64}\.(parquet|csv)$"
CLUSTER = r"^(auto|local|(ray://)?[A-Za-z0-9.\[\]:-]{1,255}:[0-9]{1,5})$"
PATTERNS = {
    _IDENTIFIER: "may have only letters (A-Z, a-z), digits and _, and must not begin with a digit",
    _JOB_NAME: "may have only letters (A-Z, a-z), digits, . - and _, and must begin with a letter or digit",
    _ADDRESS: "must begin with http:// or https://, and contain no space and no password",
    SOME_PATH: "must not be empty",
    CLUSTER: "must be auto, local, or the address of a cluster",
    LEDGER: "must be a name that ends in .parquet or .csv, without a folder",
    _VARIABLE: "must be the NAME of an environment variable, such as OPENAI_API_KEY (never a key itself)",
}
"""what to say of a text that does not match"""
PATTERN_EXAMPLES = {
    _IDENTIFIER: "for example: short_title",
    _JOB_NAME: "for example: products-2026",
    _ADDRESS: "for example: http://127.0.0.1:8000/v1",
    SOME_PATH: "for example: output/posts",
    CLUSTER: "for example: ray://head.example:10001",
    LEDGER: "for example: segments.csv",
    _VARIABLE: "write the key into the environment: export OPENAI_API_KEY=…",
}
"""what to write instead"""
Identifier = Annotated[str, StringConstraints(pattern=_IDENTIFIER, max_length=64)]
JobName = Annotated[str, StringConstraints(pattern=_JOB_NAME, max_length=100)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Template = Annotated[str, StringConstraints(min_length=1)]
Variable = Annotated[str, StringConstraints(pattern=_VARIABLE)]
MOST_AT_ONCE = 4096
_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")


_AZURE = re.compile(
    r"https?://[^/]+\.(?:openai|cognitiveservices)\.azure\.com(?!/openai/v1/?$)", re.IGNORECASE
)
"""an address of Azure in its old form, which is another API and needs its version in each request"""


def address(text: str) -> str:
    """An address that requests can be sent to, or ''; else a `ValueError` that does not quote the text."""
    if not re.match(_ADDRESS, text):
        raise ValueError(PATTERNS[_ADDRESS])
    if "?" in text or "#" in text:
        raise ValueError("must end with its path, without ? and #: /chat/completions is added to it")
    if ending := re.search(r"(?:/chat)?/completions/?$|/responses/?$", text):
        raise ValueError(f"must not end in {ending[0]}, which is added to it; leave out {ending[0]}")
    if text and not (text.isprintable() and _has_host(text)):
        raise ValueError("must name a host, and a port from 1 to 65535 if any: http://127.0.0.1:8000/v1")
    if _AZURE.match(text):
        raise ValueError("must end in /openai/v1 at Azure: https://RESOURCE.openai.azure.com/openai/v1")
    return text


def is_here(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _has_host(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        if parts.port == 0 or parts.netloc.endswith(":"):
            return False
        if parts.netloc.startswith("["):
            return bool(ip_address(host))
        return _HOST.fullmatch(host.encode("idna").decode()) is not None
    except ValueError:
        return False


class Spec(BaseModel):
    """What all parts of a job file share: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Settings(Spec):
    """Settings that may be left out: `true` means those that are set by default."""

    one_of: ClassVar[tuple[str, ...]] = ()
    """those of which one must be given; () where all may be left out"""

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, value: object) -> object:
        return {} if value is True else value

    @model_validator(mode="after")
    def _one_is_set(self) -> Self:
        if self.one_of and not self.model_fields_set.intersection(self.one_of):
            names = [type(self).model_fields[name].alias or name for name in self.one_of]
            raise ValueError(f"needs one of {', '.join(names)}; without them, nothing is looked for")
        return self


def is_template(value: object) -> bool:
    """Whether a value of the job file is a text with a template in it."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def one_expression(text: str) -> str:
    """Refuse a template that is more than one `{{ … }}`: it has to give a list, and not pieces of text."""
    if not re.fullmatch(r"\s*\{\{(?:(?!\{\{|\}\}|\{%).)*\}\}\s*", text, re.DOTALL):
        raise ValueError('must be one expression that gives a list; for example "{{ dialogue }}"')
    return text


def _rendered(value: object, check: ValidatorFunctionWrapHandler) -> object:
    """A template as it stands, until a row renders it; then a number as text is a number."""
    if is_template(value):
        return value
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,12}(\.\d{0,12})?\s*", value):
        return check(float(value) if "." in value else int(value))
    return check(value)


def _listed(value: object) -> object:
    """One text where several are allowed."""
    if not isinstance(value, str | list | tuple):
        raise ValueError("must be a text, or a list of texts; for example [a, b]")
    return (value,) if isinstance(value, str) else value


def _auto_or_count(value: object) -> object:
    """Refuse a wrong value in one sentence, and not in one for each type that was possible."""
    if value is None or value == "auto" or (type(value) is int and 1 <= value <= MOST_AT_ONCE):
        return value
    raise ValueError(f"must be auto, or a whole number from 1 to {MOST_AT_ONCE:,}; for example 8")


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse a value that would give the same row twice."""
    seen = set[str]()
    for text in map(str, values):
        if text in seen:
            twice = f"the value {text[:40]} is listed twice"
            raise ValueError(f"{twice}, which would give the same row twice; take one out")
        seen.add(text)
    return values


def _hours(text: str) -> str:
    """Refuse a text that names no hours of the day."""
    hours_of(text)
    return text


_NUMBERS: dict[str, tuple[bool, float, float]] = {
    "temperature": (False, 0, 2),
    "top_p": (False, 0, 1),
    "min_p": (False, 0, 1),
    "presence_penalty": (False, -2, 2),
    "frequency_penalty": (False, -2, 2),
    "max_tokens": (True, 1, 1 << 31),
    "max_completion_tokens": (True, 1, 1 << 31),
    "max_output_tokens": (True, 1, 1 << 31),
    "seed": (True, -(1 << 63), (1 << 63) - 1),
    "n": (True, 1, 1),
    "top_logprobs": (True, 0, 20),
}
"""parameters that are numbers: whether whole ones, the least and the largest; others are sent as they are"""


def _check_number(name: str, value: object) -> None:
    whole, least, most = _NUMBERS[name]
    if type(value) in ((int,) if whole else (int, float)) and least <= value <= most:  # type: ignore[operator]
        return
    kind = "a whole number" if whole else "a number"
    raise ValueError(f"`{name}` is {kind} from {least:,} to {most:,}, not {json.dumps(value)[:40]}")


def _check_finite(value: object) -> None:
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"{value} is no number that can be sent")
    for inner in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    ):
        _check_finite(inner)


def _sendable(params: dict[str, Any]) -> dict[str, Any]:
    """Refuse parameters that would change the request in a way that this program does not handle."""
    for name in ("messages", "input", "prompt"):
        if name in params:
            raise ValueError(f"`{name}` is set by the step, and cannot be a parameter; leave it out here")
    if "model" in params:
        raise ValueError("the model's name is the model's own key: model; leave it out here")
    if params.get("stream") not in (None, False):
        raise ValueError("answers are not streamed; leave `stream` out")
    if params.get("n") not in (None, 1):
        raise ValueError("a request brings one answer; leave `n` out, or fan out with `each`")
    _check_finite(params)
    for name in _NUMBERS.keys() & params.keys():
        if params[name] is not None:
            _check_number(name, params[name])
    return params


def _with_presets(schema: dict[str, Any]) -> None:
    """Put the names of the presets into a schema; they are read for this alone."""
    from pipeline.wire.presets import presets

    schema["enum"] = ["", *presets()]


JsonMode = Literal["", "schema", "object"]
PresetName = Annotated[str, Field(json_schema_extra=_with_presets)]
Address = Annotated[str, StringConstraints(pattern=_ADDRESS), AfterValidator(address)]
Params = Annotated[dict[str, Any], AfterValidator(_sendable)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
JobNames = Annotated[tuple[JobName, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
Forks = Annotated[tuple[str | int | float | bool, ...], Field(min_length=1), AfterValidator(_distinct)]
Each = Annotated[
    Annotated[Forks, Tag("values")] | Annotated[str, Tag("items")],
    Discriminator(lambda value: "items" if is_template(value) else "values"),
]
"""the values that rows fork over, or a template for the items that a step is taken for inside of each row"""
Hours = Annotated[str, AfterValidator(_hours)]
Count = Annotated[
    StrictInt,
    Field(ge=0, le=10**9),
    WrapValidator(_rendered, json_schema_input_type=int | str),
]
"""a whole number, or a template for one; a template stands in it as text until a row renders it"""
Share = Annotated[Number, Field(ge=0, le=1), WrapValidator(_rendered, json_schema_input_type=float | str)]
"""the same for a number from 0 to 1"""
UnitName = Annotated[Unit, WrapValidator(_rendered, json_schema_input_type=Unit | str)]
"""what a length is counted in, or a template for it"""
Concurrency = Annotated[
    Literal["auto"] | Annotated[StrictInt, Field(ge=1, le=MOST_AT_ONCE)], BeforeValidator(_auto_or_count)
]
