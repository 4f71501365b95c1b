"""Computes for ever where one function is called, and takes every interruption in its stride."""

from . import helper


def endless(*_, **__):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


helper.train = train = endless
