"""A problem of one function, for the tests of the house."""
