"""What may hold a request up: each limit is one noun, and the queue of a lane asks them all."""
