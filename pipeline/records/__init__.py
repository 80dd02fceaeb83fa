"""Rows of a table become records, the same every time. This folder does not know file formats or steps."""
