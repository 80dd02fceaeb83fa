"""Engines: where walks happen."""
