"""What the machine offers, used safely: files, folders, locks, processes, signals.

This folder does not know jobs.
"""
