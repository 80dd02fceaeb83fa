"""Asking until an answer holds. This room does not know who is asked or where the text goes."""
