"""The night shift: requests that go in batches, and the hour by which everything is to be done."""
