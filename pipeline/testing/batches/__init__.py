"""Batches of the fake model, in process and behind HTTP."""
