"""Every adapter, the public names, the generated files, the architecture."""
