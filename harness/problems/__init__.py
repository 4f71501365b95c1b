"""The problems of the assignment, a package each."""
