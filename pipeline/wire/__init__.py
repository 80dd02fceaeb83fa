"""A conversation becomes a body; a status, headers and a body become a reply or a fault.

This folder does not know sockets or keys.
"""
