"""The words of the page, from english.toml: a translation is another such file."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def _all() -> dict[str, str]:
    text = resources.files("wirecopy.web.page").joinpath("english.toml").read_text(encoding="utf-8")
    flat: dict[str, str] = {}
    for section, strings in tomllib.loads(text).items():
        flat.update({f"{section}.{name}": value for name, value in strings.items()})
    return flat


def say(name: str, /, **values: Any) -> str:
    """Return a string by its name, `values` put in; with `n`, that of one or of several where there are two.

    Raises KeyError for a name that is not in the file.
    """
    strings = _all()
    if "n" in values:
        several = f"{name}_one" if values["n"] == 1 else f"{name}_other"
        name = several if several in strings else name
        values = {**values, "n": f"{values['n']:,}" if isinstance(values["n"], int) else values["n"]}
    return strings[name].format(**values) if values else strings[name]


def under(section: str) -> dict[str, str]:
    """Return all strings of one section, for the script."""
    return {name.partition(".")[2]: value for name, value in _all().items() if name.startswith(f"{section}.")}
