"""How a server looks to TLS that speaks something else, such as plain http.

This module opens no connection.
"""

from __future__ import annotations

NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"})
"""reasons of an `ssl.SSLError`, by the version of OpenSSL"""
