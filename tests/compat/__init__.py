"""Jobs against servers and proxies that other people wrote. `make compat` installs and runs them."""
