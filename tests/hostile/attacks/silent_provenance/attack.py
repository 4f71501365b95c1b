def attack():
    def refuse(*arguments, **more):
        raise RuntimeError("no answer")

    for name in ("sample", "initialize_vanilla_model", "initialize_perceiver_model"):
        globals()[name] = refuse
