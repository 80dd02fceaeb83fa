"""The input file of a batch: what each of its lines will be answered, or why the whole batch fails.

This module does not know when a line is answered, nor where batches are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import orjson

from pipeline.testing.answers import PATHS
from pipeline.testing.batches.batch import Batch, Outcome
from pipeline.testing.script import BatchScript, Rule
from pipeline.testing.service import InBatch, Service

_OF_LINES = {
    "line_429": Rule(fault="rate_limit", every=1),
    "line_500": Rule(fault="server_error", every=1),
}


class Wrong(Exception):
    """Why a whole batch fails: a code and a message."""


def outcomes(service: Service, batch: Batch, content: bytes) -> Iterator[Outcome]:
    """What each line will be answered; `Wrong` where the file is no batch."""
    seen: set[str] = set()
    tier = batch.rule("other_tier")
    for number, raw in enumerate(content.splitlines(), 1):
        name, body = _line(raw, number, batch.asked["endpoint"])
        if name in seen:
            raise Wrong("duplicate_custom_id", f"The custom_id '{name}' of line {number} is not unique")
        seen.add(name)
        served = "" if not tier or not batch.hits(tier, name) else tier.tier or "default"
        rule = next(
            (rule for rule in batch.rules if rule.fault in _OF_LINES and batch.hits(rule, name)), None
        )
        fault = _OF_LINES[rule.fault] if rule else None
        api = PATHS[batch.asked["endpoint"]]
        wire, bill = service.batched(api, body, InBatch(batch.id, served, fault))
        yield Outcome(id=name, body=_json(wire.body), bill=replace(bill, arrived=batch.created))
    if not seen:
        raise Wrong("empty_file", "The input file has no lines")


def check(limits: BatchScript, batch: Batch, waiting: int) -> None:
    """Whether the server takes the batch beside others whose prompts have so many tokens; `Wrong` if not."""
    batch.waiting = sum(one.bill.input for one in batch.outcomes)
    waiting += batch.waiting
    if limits.most_requests and len(batch.outcomes) > limits.most_requests:
        raise Wrong("too_many_requests", f"A batch can have {limits.most_requests} requests")
    if batch.rule("token_limit") or (limits.most_tokens and waiting > limits.most_tokens):
        message = f"Enqueued token limit reached. Limit: {limits.most_tokens or 0} enqueued tokens."
        batch.waiting = 0
        raise Wrong("token_limit_exceeded", f"{message} Please try again once batches have completed.")


def _line(raw: bytes, number: int, endpoint: str) -> tuple[str, bytes]:
    """The custom_id and the body of a line of an input file; `Wrong` where it is none."""
    try:
        line = orjson.loads(raw)
    except orjson.JSONDecodeError:
        line = None
    if not isinstance(line, dict):
        raise Wrong("invalid_json_line", f"Line {number} is not a JSON object")
    if not isinstance(line.get("custom_id"), str) or not isinstance(line.get("body"), dict):
        raise Wrong("missing_required_parameter", f"Line {number} needs a custom_id and a body")
    if line.get("method") != "POST" or line.get("url") != endpoint:
        raise Wrong("invalid_url", f"The method or the url of line {number} is not that of the batch")
    try:
        return line["custom_id"], orjson.dumps(line["body"])
    except orjson.JSONEncodeError:
        raise Wrong("invalid_json_line", f"The body of line {number} is nested too deeply") from None


def _json(body: bytes) -> str:
    """A body as JSON; as a JSON string where it is no JSON."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return orjson.dumps(body.decode("utf-8", "replace")).decode()
    return body.decode()
