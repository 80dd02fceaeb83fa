"""What people decide about rows whose answers were all rejected."""
