"""The job file: read, checked, completed with defaults.

This folder does not know what an adapter does with its settings.
"""
