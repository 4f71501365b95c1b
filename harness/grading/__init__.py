"""One grade: from a staged submission to results."""
