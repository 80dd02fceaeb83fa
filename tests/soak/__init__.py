"""The long sweeps."""
