"""The words of a text as people read them, and measures of them: language, repetition, overlap, figures."""
