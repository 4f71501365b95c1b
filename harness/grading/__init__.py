"""One grade, from an upload to its Results. Everyone who grades calls `grade`: commands, release, class regrades."""

from harness.grading.supervisor import grade

__all__ = ["grade"]
