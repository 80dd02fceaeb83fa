"""Models that run on this machine. This folder does not know retries, limits, prices or the journal."""
