"""One grade, from an upload to its Results. Everyone who grades calls `grade`: commands, release, class regrades.

`students_of` is for the students' own commands, which ask their code and judge nothing.
"""

from harness.grading.alone import students_of
from harness.grading.supervisor import SessionServer, grade, session_server

__all__ = ["SessionServer", "grade", "session_server", "students_of"]
