"""Answers of every size but the right one."""
import numpy as np


def _huge(*given, **named):
    return np.full((1, 900_000), 1e308)


copying_query = averaging_query = noisy_query = two_queries = attention_weights = _huge
weight_one_head = weight_two_heads = limit_one_head = limit_two_heads = _huge
projection_from_sum = projection_from_half_sum = _huge


def vanilla_complexity():
    return "(" * 90 + "L" + ")**8" * 90


def perceiver_complexity():
    return "L*" * 4_000_000 + "L"
