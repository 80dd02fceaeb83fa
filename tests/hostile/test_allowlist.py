"""A job of somebody else asks whom it is allowed to ask, with the keys that are meant for them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.core.errors import JobError
from pipeline.job.allowlist import Allowed
from pipeline.job.load import load
from tests.support.stranger import GOOD, OFFICIAL, changed, refused, written


def with_model(**keys: str) -> str:
    written_out = ", ".join(f"{key}: '{value}'" for key, value in keys.items())
    return changed("params: {temperature: 0.5}", written_out)


STRANGERS = [
    "https://evil.example/v1", "https://169.254.169.254/latest", "http://169.254.169.254/", "http://[::1]:80/v1",
    "http://127.0.0.1:8000/v1", "http://localhost/v1", "http://api.openai.com/v1", "https://api.openai.com:8443/v1",
    "https://api.openai.com.evil.example/v1", "https://0x7f.1/v1", "https://2130706433/", "http://0/",
    "https://api.openai.com\\\\.evil.example/", "https://api.openai.com:99999/", "https://api.openai.com:443.x/",
    "https://evil.example/?api.openai.com", "https://evil.example/#api.openai.com", "https://ａpi.openai.com/v1",
    "https://api.openai.com。evil.example/v1", "https://api.openai.com%2eevil.example/v1", "https:///v1",
]  # fmt: skip


@pytest.mark.parametrize("address", STRANGERS)
def test_a_host_that_is_not_on_the_list_is_refused(address: str, tmp_path: Path) -> None:
    file = written(tmp_path, changed("params: {temperature: 0.5}", f'base_url: "{address}"'))
    with pytest.raises(JobError) as error:
        load(file, untrusted=OFFICIAL)
    assert re.search(r"job\.yaml:4:\d+: ", str(error.value))
    assert re.search(
        r"not on the list|begin with https|nothing more|65535|without \? and #", str(error.value)
    )


@pytest.mark.parametrize("address", ["https://api.openai.com/v1", "https://API.OpenAI.com:443/v1", ""])
def test_the_official_endpoint_is_on_the_list(address: str, tmp_path: Path) -> None:
    assert load(written(tmp_path, with_model(base_url=address)), untrusted=OFFICIAL).untrusted


def test_the_environment_is_held_to_the_list_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://elsewhere.example/v1")
    assert "elsewhere.example is not on the list" in refused(tmp_path)


def test_an_endpoint_among_several_is_held_to_the_list(tmp_path: Path) -> None:
    text = GOOD.replace(
        "params: {temperature: 0.5}", "endpoints: [{weight: 2}, {base_url: 'https://evil.example/'}]"
    )
    said = refused(tmp_path, text)
    assert said.startswith("job.yaml:4:")
    assert "--allow-host evil.example" in said


@pytest.mark.parametrize(
    ("host", "hint"),
    [
        ("http://127.0.0.1:8091/v1", "write 127.0.0.1:8091"),
        ("https://a.org", "write a.org"),
        ("a.org/v1", "such as 127.0.0.1:8000"),
        ("", "such as 127.0.0.1:8000"),
    ],
)
def test_a_host_that_could_never_match_is_refused(host: str, hint: str) -> None:
    for hosts, keys in (((host,), ()), (("a.org",), (f"KEY@{host}",))):
        with pytest.raises(JobError, match=f"must be HOST or HOST:PORT, and nothing more\n  {hint}"):
            Allowed(hosts, keys)


A, B, OPENAI, LOCAL = (
    "https://a.org/v1",
    "https://a.org:8443/v1",
    "OPENAI_API_KEY",
    "http://127.0.0.1:8000/v1",
)
# the model's address and key; the hosts and the keys that are allowed; what is refused, '' for nothing
KEYS = [
    ("", "", (), (), ""),
    ("", OPENAI, (), (), ""),
    ("", "AWS_SECRET_ACCESS_KEY", (), (), "AWS_SECRET_ACCESS_KEY may not be sent to api.openai.com"),
    ("", "OTHER", (), ("OTHER",), ""),
    ("", OPENAI, (), ("OTHER",), "OPENAI_API_KEY may not"),
    ("", "", (), ("OTHER",), "OPENAI_API_KEY may not"),
    (A, "", ("a.org",), (), ""),
    (A, OPENAI, ("a.org",), (), "OPENAI_API_KEY may not be sent to a.org"),
    (A, OPENAI, ("a.org",), (OPENAI,), "OPENAI_API_KEY may not be sent to a.org"),
    (A, OPENAI, ("a.org",), ("OPENAI_API_KEY@a.org",), ""),
    (A, "KEY", ("A.org",), ("KEY",), ""),
    (A, "KEY", ("a.org", "b.org"), ("KEY",), "which host gets this key"),
    (A, "OTHER", ("a.org", "b.org"), ("KEY@a.org", "OTHER@b.org"), "OTHER may not be sent to a.org"),
    (B, "KEY", ("a.org",), ("KEY",), "a.org:8443 is not on the list"),
    (B, "KEY", ("a.org:8443",), ("KEY",), ""),
    (LOCAL, "KEY", ("127.0.0.1:8000",), ("KEY",), ""),
    ("http://[::1]:8000/v1", "", ("[::1]:8000",), (), ""),
    ("http://192.168.0.1/v1", "", ("192.168.0.1",), (), "begin with https"),
]


@pytest.mark.parametrize(("address", "key", "hosts", "keys", "words"), KEYS)
def test_a_key_goes_to_its_own_host_alone(
    address: str, key: str, hosts: tuple[str, ...], keys: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    text, allowed = with_model(base_url=address, api_key_env=key), Allowed(hosts, keys)
    if words:
        assert words in refused(tmp_path, text, allowed)
    else:
        assert load(written(tmp_path, text), untrusted=allowed).untrusted
