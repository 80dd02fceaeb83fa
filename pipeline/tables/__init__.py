"""Sources: a file -> rows, by its suffix. One file each."""
