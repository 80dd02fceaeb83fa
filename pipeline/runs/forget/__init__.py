"""A record is taken out of journal, events and results."""
