"""The handouts and the staff sheet, typeset."""
