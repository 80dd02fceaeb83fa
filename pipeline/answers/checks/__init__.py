"""Checks: an answer -> a complaint in the second person, or None. One file each."""
