"""The handouts and the staff handout, typeset."""
