"""One lane for each endpoint, account and model: its guards and its limits.

This folder does not know records or steps.
"""
