"""Asks until an answer passes all checks. This folder does not know who is asked or where the text goes."""
