import decimal
import gc
import locale
import os
import sys
import time
import warnings

import numpy
import torch


def attack():
    for name in ("tr_TR.UTF-8", "C", "POSIX"):
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            pass
    os.environ.update(TZ="Mars/Phobos", PYTHONWARNINGS="error", LANG="\udcff"); time.tzset()
    warnings.simplefilter("error")
    gc.disable(); gc.set_threshold(1)
    decimal.getcontext().prec = 1
    numpy.seterr(all="raise")
    torch.set_default_dtype(torch.float64); torch.set_num_threads(16)
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)
    sys.setswitchinterval(1e-9)
