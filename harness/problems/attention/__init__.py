"""Problem 3: what one attention head can do, and what attention costs."""
