"""A package without probes, for a sandbox that only tries itself."""
