"""Measurements, side by side in one run: `make bench`. They print ratios and are no tests."""
