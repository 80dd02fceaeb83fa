"""What the machine gives, handled with care: files, folders, locks, processes, signals.

This room does not know jobs.
"""
