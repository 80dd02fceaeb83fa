"""What a check says of an answer."""

from __future__ import annotations

from typing import Any

from pipeline.answers.checking import written_of
from pipeline.core import adapters
from pipeline.core.domain import Values


def said(
    check: str, answer: Any, options: Any = True, values: Values | None = None, prompt: str = ""
) -> str | None:
    """Its complaint; None where the answer is good."""
    module = adapters.load("checks", check)
    written = written_of(answer, values or {}, prompt)
    complaint: str | None = module.complaint(written, module.Options.model_validate(options))
    return complaint
