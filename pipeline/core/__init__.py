"""The nouns, and small things without I/O that every other folder may use."""
