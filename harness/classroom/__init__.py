"""A whole class: many uploads through the same grade, what became of each, and what the results say together."""
