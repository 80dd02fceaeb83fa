"""Values become text. This folder does not know jobs."""
