"""Hands accepted answers on: as files for fine-tuning, and to a fine-tuning job at the endpoint."""
