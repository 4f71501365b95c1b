import os


def attack():
    os._exit(213)
