"""All answers of a run together: those that are nearly equal to others are written again."""
