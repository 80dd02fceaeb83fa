"""Finds servers that answer with success and are no API: a sign-in page, a proxy, empty replies, another API.

This module does not know HTTP.
"""

from __future__ import annotations

from pipeline.wire.faults import foreign, is_page, not_an_api

NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"})
"""reasons of an `ssl.SSLError`, by the version of OpenSSL"""

ON_END = 5
"""so many requests in a row whose replies are no answers; before the first answer, so many replies"""


class Strangers:
    """Looks at each reply of one host before it is read."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._served = False
        self._replies = 0
        self._requests: set[bytes] = set()

    def look(self, content_type: str, body: bytes, request: bytes) -> str:
        """What is odd about a reply that can be read all the same; '' for nothing. `request` is its digest.

        Raises a `Fault` when one page after another has come. A firewall may send a page for one request
        again and again, so once something was answered, the tries of one request count once.
        """
        what = "nothing" if not body.strip() else "HTML" if is_page(body) else ""
        what = what or ((api := foreign(body)) and f"replies of {api}")
        if what:
            self._replies += 1
            self._requests.add(request)
            count = len(self._requests) if self._served else self._replies
            if count >= ON_END:
                raise not_an_api(f"got {what} from {self._host}, {count} times in a row", body)
            return ""
        self._served, self._replies = True, 0
        self._requests.clear()
        if not content_type or "json" in content_type.lower():
            return ""
        if "event-stream" in content_type.lower():
            return f"{self._host} sends streams that nobody asked for; each is joined into one answer"
        return f"{self._host} says that its JSON is {content_type[:60]}"
