import re


def attack():
    re.match("(a|a)*$", "a" * 60 + "b")
