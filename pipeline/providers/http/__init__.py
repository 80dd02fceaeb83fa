"""One HTTP client for all endpoints. This room does not know retries, limits, prices or the journal."""
