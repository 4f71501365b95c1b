def attack():
    problem = ValueError("x" * 10_000_000)
    for depth in range(1000):
        try:
            raise ValueError("y" * 1000) from problem
        except ValueError as caught:
            problem = caught
    problem.__notes__ = ["z" * 1000] * 10_000
    problem.args = ("x" * 10_000_000,)
    raise problem
