"""A template that is rendered in a test, and the fault of one that cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.core.domain import Fault
from pipeline.templates.template import Template


def template(text: str) -> Template:
    return Template(text, lambda line, column: f"t:{line}:{column}")


def shown(text: str, **values: Any) -> str:
    return template(text).render(values)


def fails(text: str, **values: Any) -> Fault:
    with pytest.raises(Fault) as fault:
        shown(text, **values)
    assert fault.value.kind == "template"
    return fault.value
