"""Basic graded tests: students have them too, with all their inputs."""
