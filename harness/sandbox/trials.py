"""The sandbox's own attempts at breaking out, run as probes in a worker. Each returns what it could do."""
