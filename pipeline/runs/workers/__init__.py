"""One run in several processes: an owner that decides and keeps, and workers that walk."""
