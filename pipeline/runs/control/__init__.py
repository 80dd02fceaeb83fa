"""A live run is watched and steered from other processes."""
