"""Reference text becomes template text."""
