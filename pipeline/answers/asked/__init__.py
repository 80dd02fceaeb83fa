"""Checks that ask a model about an answer. One file each."""
