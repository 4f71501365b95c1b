"""Doctor (stub)."""
def doctor() -> tuple[str, bool]:
    return "", True
