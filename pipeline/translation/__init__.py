"""What a good translation is, and how it is asked for: gates, glossary, batches, masks."""
