"""Translated documents on the disk: their tree, the ledger of their segments, and what is made of it."""
