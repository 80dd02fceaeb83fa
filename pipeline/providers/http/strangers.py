"""Finds servers that answer with success and are no API: a sign-in page, a proxy, empty replies.

This module does not know HTTP.
"""

from __future__ import annotations

from pipeline.wire.faults import is_page, not_an_api

NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"})
"""reasons of an `ssl.SSLError`, by the version of OpenSSL"""

ON_END = 5  # so many replies in a row that are no answers stop the run


class Strangers:
    """Looks at each reply of one host before it is read."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._on_end = 0

    def look(self, content_type: str, body: bytes) -> str:
        """What is odd about a reply that can be read all the same; '' for nothing.

        Raises a `Fault` that stops the run when one page after another has come.
        """
        what = "nothing" if not body.strip() else "HTML" if is_page(body) else ""
        self._on_end = self._on_end + 1 if what else 0
        if self._on_end >= ON_END:
            raise not_an_api(f"got {what} from {self._host}, {self._on_end} times in a row", body)
        if what or not content_type or "json" in content_type.lower():
            return ""
        if "event-stream" in content_type.lower():
            return f"{self._host} sends streams that nobody asked for; each is joined into one answer"
        return f"{self._host} says that its JSON is {content_type[:60]}"
