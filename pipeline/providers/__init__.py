"""Providers: `connect(model)` -> a call. One file each."""
