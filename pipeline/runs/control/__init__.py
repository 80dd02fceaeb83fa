"""Watches and steers a live run from other processes."""
