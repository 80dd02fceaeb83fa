"""The parts of a glossary: its entries, the files that they are read from, and the words of a text."""
