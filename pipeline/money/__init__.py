"""Tokens, prices, estimates and the budget. This room does not know HTTP, waiting or the journal."""
