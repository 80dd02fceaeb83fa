"""What servers say of a batch, in whatever words: its state, its counts, its names."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.core.domain import Fault
from pipeline.providers.http.batch_words import state_of

WORDS = {
    "waiting": "validating queued QUEUED pending created",
    "running": "in_progress IN_PROGRESS PROGRESS RUNNING something_new",
    "ending": "finalizing cancelling CANCELLATION_REQUESTED",
    "completed": "completed COMPLETED SUCCESS",
    "failed": "failed FAILED",
    "expired": "expired EXPIRED TIMEOUT_EXCEEDED",
    "cancelled": "cancelled CANCELLED canceled",
}


@pytest.mark.parametrize("ours", WORDS)
def test_the_words_of_all_servers_are_known(ours: str) -> None:
    for word in WORDS[ours].split():
        assert state_of({"id": "b", "status": word}).status == ours


@pytest.mark.parametrize(
    ("said", "message", "counts"),
    [
        ({"errors": {"data": [{"code": "token_limit_exceeded", "message": "Enqueued"}]}},
         "token_limit_exceeded: Enqueued", (0, 0, 0)),
        ({"errors": [{"message": "bad line", "count": 3}]}, "bad line", (0, 0, 0)),
        ({"error": "no such model"}, "no such model", (0, 0, 0)),
        ({"errors": None, "request_counts": {"total": 3, "completed": 2, "failed": 1}}, "", (3, 2, 1)),
        ({"total_requests": 3, "succeeded_requests": 2, "failed_requests": 1}, "", (3, 2, 1)),
        ({"request_counts": {"total": -1, "completed": "2", "failed": None}, "errors": 7}, "", (0, 0, 0)),
    ],
)  # fmt: skip
def test_what_is_said_of_a_batch_is_read(said: dict[str, Any], message: str, counts: tuple[int, ...]) -> None:
    state = state_of({"id": "b", "status": "failed", **said})
    assert (state.message, (state.total, state.done, state.failed)) == (message, counts)


@pytest.mark.parametrize("name", ["", "../x", "a b", "a?b", "x" * 400, 7, None])
def test_a_name_that_could_lead_elsewhere_is_refused(name: Any) -> None:
    for said in ({"id": name, "status": "x"}, {"id": "a", "status": "x", "output_file_id": name or "/"}):
        with pytest.raises(Fault, match="no usable"):
            state_of(said)
