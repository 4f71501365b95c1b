"""Basic claims: students have them too, with all their inputs."""
