"""Rows of a table become records, twice the same. This room does not know file formats or steps."""
