"""What a run tells its steps about rows."""
