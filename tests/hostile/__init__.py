"""Servers, files, templates and jobs that mean harm."""
