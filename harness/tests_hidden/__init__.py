"""Hidden graded tests: they, and the answers they need, never leave the staff."""
