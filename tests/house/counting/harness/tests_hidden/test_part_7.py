"""Hidden graded tests of the counting problem."""

from gradescope_utils.autograder_utils.decorators import number, weight

from harness.grading.feedback import expect
from harness.grading.student import Student
from harness.probes import counting


@number("7a-1-hidden")
@weight(2)
def test_words_of_the_data(student: Student, words: list[tuple[str, int]]) -> None:
    """Words of any length are counted."""
    found = student.run(counting.counts, words=[word for word, _ in words])
    expect(found == [count for _, count in words], "the counts of the data", found, hint="longer words, too")


@number("7a-2-hidden")
@weight(1)
def test_the_empty_word(student: Student) -> None:
    """The empty word has none."""
    expect(student.run(counting.counts, words=[""]) == [0], "0", "another", hint="what is the least there can be?")
