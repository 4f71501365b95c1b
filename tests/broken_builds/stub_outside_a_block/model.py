#| x = None
y = 1
