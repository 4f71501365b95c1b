"""Basic graded test of the counting problem."""

from gradescope_utils.autograder_utils.decorators import number, weight

from harness.grading.feedback import expect
from harness.grading.student import Student
from harness.probes import counting


@number("7a-0-basic")
@weight(1)
def test_a_short_word(student: Student) -> None:
    """The distinct characters of a short word are counted."""
    found = student.run(counting.counts, words=["abba"])
    expect(found == [2], "[2]", found, hint="count each character once", case="abba")
