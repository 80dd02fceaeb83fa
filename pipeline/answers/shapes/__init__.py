"""The shape of a JSON answer: its schema, and a reader that checks answers by it."""
