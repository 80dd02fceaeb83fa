"""Dialects: a conversation -> the body of a request, and a reply's body -> an answer."""
