"""A conversation becomes a body; a status, headers and a body become a reply or a fault.

This room does not know sockets or keys.
"""
