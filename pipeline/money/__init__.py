"""Tokens, prices, estimates and the budget. This folder does not know HTTP, waiting or the journal."""
