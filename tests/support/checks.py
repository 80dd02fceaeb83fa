"""What a check says of an answer."""

from __future__ import annotations

from typing import Any

from pipeline.core import adapters


def said(check: str, answer: str, options: Any) -> str | None:
    """Its complaint; None where the answer is good."""
    module = adapters.load("checks", check)
    complaint: str | None = module.complaint(answer, module.Options.model_validate(options))
    return complaint
