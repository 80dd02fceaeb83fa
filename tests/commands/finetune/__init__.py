"""Fine-tuning over the API."""
