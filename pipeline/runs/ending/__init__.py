"""What others are told of a run: while it goes on, and when it ends."""
