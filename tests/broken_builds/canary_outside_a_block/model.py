# canary: c0ffee0000000008
y = 1
