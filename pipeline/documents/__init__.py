"""Files of text for people, taken apart into segments and put together again: one file for each format."""
