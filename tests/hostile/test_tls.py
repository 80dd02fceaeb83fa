"""Certificates: what proves nothing is refused before a byte of a prompt or a key is sent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.https import Authority, https, needs_openssl
from tests.support.project import Project

pytestmark = needs_openssl


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.found(tmp_path_factory.mktemp("authority"))


def met(urls: Sequence[str], trusted: Path) -> list[list[str]]:
    """What a process that trusts this file met: two results for each URL."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.asking", *urls],
        cwd=ROOT,
        env={**os.environ, "SSL_CERT_FILE": str(trusted)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[list[str]] = json.loads(done.stdout)
    return found


def test_a_certificate_that_proves_nothing_is_refused_at_once(authority: Authority) -> None:
    here = "IP:127.0.0.1"
    shown = {
        "expired": authority.issue("expired", here, days=-1),
        "not valid for '127.0.0.1'": authority.issue("other", "DNS:models.example"),
        "self-signed": authority.sign_itself("itself"),
    }
    good = authority.issue("good", here)
    with ExitStack() as stack:
        fine = stack.enter_context(https(good))
        servers = [stack.enter_context(https(certificate)) for certificate in shown.values()]
        found = met([fine.url, *(server.url for server in servers)], authority.certificate)
        assert found[:2] == [["", "", "", ""]] * 2
        assert (fine.requests, fine.connections) == (2, 1), "a connection is kept, encrypted as it is"
        assert not any(server.requests for server in servers)
    for n, (reason, server) in enumerate(zip(shown, servers, strict=True)):
        for kind, fate, billed, message in found[2 + 2 * n : 4 + 2 * n]:
            assert (kind, fate, billed) == ("untrusted", "stop", "no")
            assert reason in message and server.url.split("/")[2] in message


def test_a_certificate_that_goes_bad_while_a_run_goes_on_is_an_outage(authority: Authority) -> None:
    good, bad = authority.issue("before", "IP:127.0.0.1"), authority.sign_itself("after")
    with https(good, after=bad) as server:
        first, second = met([server.url], authority.certificate)
        assert server.requests == 1
    assert first[0] == ""
    assert second[:3] == ["unreachable", "retry", "no"] and "self-signed" in second[3]


def test_a_run_trusts_an_authority_of_ones_own_when_it_is_told_to(
    project: Project, authority: Authority
) -> None:
    with https(authority.issue("own", "IP:127.0.0.1")) as server:
        project.job(server.url)
        done = project.run("run", "job.yaml")
        assert done.returncode == 75, done.stderr
        assert "has no certificate that can be trusted: " in done.stderr
        assert "set SSL_CERT_FILE to its certificate" in done.stderr
        assert server.requests == 0
        done = project.run("doctor", "job.yaml")
        assert done.returncode == 75
        assert "its certificate does not verify: " in done.stdout
        assert "set SSL_CERT_FILE to its certificate" in done.stdout
        done = project.spawn("doctor", "job.yaml", SSL_CERT_FILE=str(authority.certificate))
        assert "answers with 501" in done.stdout, "it is trusted, and has no list of models"
        done = project.spawn("run", "job.yaml", SSL_CERT_FILE=str(authority.certificate))
        assert done.returncode == 0, done.stderr
        assert server.requests == 3
    assert project.result()["post"].to_list() == ["hello"] * 3
