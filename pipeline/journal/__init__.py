"""Every attempt that was ever paid for, in one file for each job.

This room does not know prices or lanes.
"""
