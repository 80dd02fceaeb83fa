"""One HTTP client for all endpoints. This folder does not know retries, limits, prices or the journal."""
