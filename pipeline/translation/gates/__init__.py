"""The gates of a translation, a file each: what the form of an answer tells of it. They prove no meaning.

Each has `findings(question, answer)`, a pure function of the segment and the answer as it would be written.
"""
