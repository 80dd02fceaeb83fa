"""The nouns, and small things without I/O that every other room may use."""
