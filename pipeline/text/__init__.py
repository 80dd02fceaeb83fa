"""Looks at a text. This folder does not know answers or documents."""
