"""Results: columns, the table, a file for each row, and what was published.

This folder does not know who answered.
"""
