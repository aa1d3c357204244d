"""Every compiled function of `wirecopy.detection.kernels` under one name: the tests go through all of them.

`compiled.fold` is `wirecopy.detection.kernels.folding.fold`.
"""

import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

from wirecopy.detection import kernels

FOLDER = Path(kernels.__file__).parent
FILES = {
    module.name: import_module(f"{kernels.__name__}.{module.name}")
    for module in pkgutil.iter_modules([str(FOLDER)])
    if module.name not in ("minhash", "cache", "compiling")  # tests of their own; no kernels
}


def __getattr__(name: str) -> Any:
    """Return what one of the files calls so."""
    for module in FILES.values():
        if name in vars(module):
            return vars(module)[name]
    raise AttributeError(name)
