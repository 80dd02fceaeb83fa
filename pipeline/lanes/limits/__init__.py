"""What may hold a request up: one class for each limit, and the queue of a lane asks them all."""
