"""What needs a process of its own: kills, signals, locks, sockets, rights."""
