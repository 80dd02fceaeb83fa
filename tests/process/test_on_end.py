"""Signals and the end of a run: the first is told, the second ends at once, a late one harms nothing."""

from __future__ import annotations

import json
import signal
import time

from pipeline.testing import Script
from tests.support.project import Project
from tests.support.receiver import receiver
from tests.support.served import served
from tests.support.server import serve
from tests.support.settled import in_flight
from tests.support.waiting import wait_for, wait_for_signal


def test_the_first_signal_is_told_and_the_second_is_not(project: Project) -> None:
    for signals, told in ((1, [("interrupted", 130)]), (2, [])):
        with serve(Script(latency=2)) as server, receiver() as ear:
            project.job(
                models=served(server.base_url, limits={"concurrency": 1}),
                records=Project.numbered(20 + signals),
                on_end={"webhook": ear.address},
            )
            process = project.start("run", "job.yaml", "--json")
            wait_for(lambda: server.ledger().requests > 0)
            wait_for(lambda server=server: in_flight(server) == 1)
            for number in range(signals):
                process.send_signal(signal.SIGINT)
                if number + 1 < signals:
                    wait_for_signal(project.folder, times=2)  # with that of the run before
            out, err = process.communicate(timeout=60)
            assert process.returncode == 130, err
            assert [(end["outcome"], end["exit_code"]) for end in ear.ends] == told
            if told:
                assert json.loads(out)["outcome"] == "interrupted"
                assert ear.ends[0]["ok"] + ear.ends[0]["pending"] == 20 + signals


def test_a_signal_while_somebody_is_told_ends_only_that(project: Project) -> None:
    with receiver(hangs=60) as ear:
        project.job(on_end={"webhook": ear.address})
        process = project.start("run", "job.yaml", "--json")
        wait_for(lambda: bool(ear.got))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert len(ear.got) < 3, "it was not tried as often as it would have been"
    assert process.returncode == 0 and json.loads(out)["outcome"] == "finished", err


def test_a_receiver_that_hangs_does_not_keep_the_process(project: Project) -> None:
    with receiver(hangs=120) as ear:
        project.job()
        began = time.monotonic()
        done = project.spawn("run", "job.yaml", "--otel", OTEL_EXPORTER_OTLP_ENDPOINT=ear.address)
    assert done.returncode == 0 and "not all of it could be sent" in done.stderr
    assert time.monotonic() - began < 100
