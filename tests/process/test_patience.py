"""A request in the tier flex may take longer than others."""

from __future__ import annotations

import pytest

from pipeline.core.domain import Fault
from pipeline.core.secret import Secret
from pipeline.job.models import Limits, Model
from pipeline.providers.openai import connect_to
from pipeline.testing import Script
from tests.support.fakes import asked
from tests.support.server import serve


@pytest.mark.anyio
async def test_only_flex_has_the_longer_timeout() -> None:
    with serve(Script(latency=0.5)) as server:
        async with connect_to(server.base_url, Secret(), concurrency=2, timeout=0.2, patience=5) as call:
            assert (await call(asked("a").with_tier("flex"))).body
            with pytest.raises(Fault, match=r"no answer within 0\.2 s"):
                await call(asked("b"))
            with pytest.raises(Fault, match=r"no answer within 0\.2 s"):
                await call(asked("c").with_tier("batch"))


@pytest.mark.parametrize(("said", "patience"), [({}, 900), ({"timeout": 20}, 20), ({"timeout": 2000}, 2000)])
def test_the_jobs_own_timeout_holds_for_flex_too(said: dict[str, float], patience: float) -> None:
    assert Model(model="m", limits=Limits(**said)).patience == patience
