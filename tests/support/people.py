"""Records about people, whose names are private."""

from __future__ import annotations

ALICE, BOB, CAROL, DAVE = "alice@example.org", "bob@example.net", "carol@example.com", "dave@example.edu"
