"""Takes records through the steps of a job: the walk, its stages, the pool, the replay in order."""
