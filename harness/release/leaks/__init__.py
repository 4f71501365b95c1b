"""Searches finished artefacts for what must not leave the house."""
