"""The code that a job brings with it."""
