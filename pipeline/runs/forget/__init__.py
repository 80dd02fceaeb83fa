"""Takes a record out of journal, events and results."""
