"""Looking at a text. This room does not know answers or documents."""
