"""Templates that can do nothing but make a text, and only so much of it: Jinja2 with an allowance."""
