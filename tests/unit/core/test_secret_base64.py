"""A secret is taken out of base64, in either alphabet, wherever it stands in what was encoded."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from pipeline.core.secret import SHOWN, Secret

KEY = "sk~~?>canary~~?>0123456789~~?>"
"""its bytes come to the two characters in which the alphabets differ, at any offset"""


@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"Bearer "])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_in_base64_is_taken_out(encode: Callable[[bytes], bytes], before: bytes) -> None:
    encoded = encode(before + KEY.encode() + b" and so on")
    assert base64.b64encode(before + KEY.encode()) != base64.urlsafe_b64encode(before + KEY.encode())
    left = Secret(KEY).without(b'{"text": "' + encoded + b'"}')
    assert SHOWN.encode() in left
    assert len(left) < len(b'{"text": ""}') + len(encoded) - len(KEY)
