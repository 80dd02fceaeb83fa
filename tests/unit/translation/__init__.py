"""What a good translation is."""
