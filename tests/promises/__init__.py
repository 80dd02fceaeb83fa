"""The promises of docs/promises.md, each by its number."""
