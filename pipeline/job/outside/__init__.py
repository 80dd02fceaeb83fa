"""What a job says to others than its models."""
