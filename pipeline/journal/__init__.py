"""Every attempt that was ever made, in one file for each job.

This folder does not know prices or lanes.
"""
