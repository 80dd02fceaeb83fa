"""Values become text. This room does not know jobs."""
