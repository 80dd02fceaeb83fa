"""Models that run on this machine. This room does not know retries, limits, prices or the journal."""
