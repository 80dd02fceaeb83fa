"""Sinks: a table -> a file, by its suffix. One file each."""
