"""What is said of finished translations: their meaning, their terms, their likeness to references."""
