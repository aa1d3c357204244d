"""Write docs/inputs.md from the definitions that the code reads by: python -m bench.make_inputs."""

from pathlib import Path

from wirecopy.files import archives, feeds
from wirecopy.files.inputs import ENDINGS
from wirecopy.files.lines import CODINGS
from wirecopy.files.tables import DELIMITERS
from wirecopy.schema.article import FIELDS
from wirecopy.schema.elements import LISTS
from wirecopy.schema.formats.known import FORMATS
from wirecopy.schema.names import NAMES, WITHIN

FILE = Path(__file__).parent.parent / "docs" / "inputs.md"

_INTRODUCTION = """\
# Inputs

What is read, from where, and what is skipped. This page is made from the definitions that the code reads by
(`python -m bench.make_inputs`); a test holds the two equal. The same holds for `dedupe`, `push`, `follow` and over
HTTP.
"""
_TOLERANCE = """\
## Fields

An integer id becomes its decimal digits. Times are RFC 3339, ISO 8601 (with or without separators, seconds, zone),
RFC 822, or numbers of seconds, milli-, micro- or nanoseconds since 1970; without a zone they are in `intake.zone`.
Dates that can be read two ways (12/08/2024) are not read. An optional field that cannot be read is left out with a
warning; with `--strict`, or `intake.strict`, the record is refused. An embargo that cannot be read withholds the
article, since it must not be shown too early.

`--map text=body,source=source.name`, or the setting `intake.map`, takes a field from another name or by a dotted
path, numbers being places in lists (`parts.0.value`). A path that matched nothing in the first 1,000 records is
told. What is not mapped is found under our own name, or the first of these that a record has, whatever its case,
hyphens and underscores:
"""


def text() -> str:
    """Return the page."""
    return "\n".join([_INTRODUCTION, *_files(), _TOLERANCE, *_names(), *_formats()]) + "\n"


def _files() -> list[str]:
    endings: dict[str, list[str]] = {}
    for ending, container in ENDINGS.items():
        endings.setdefault(container.value, []).append(f"`.{ending}`")
    lines = ["## Files", "", "| ending | what it holds |", "|---|---|"]
    lines += [f"| {', '.join(names)} | {held} |" for held, names in endings.items()]
    codings = ", ".join(f"`.{coding}`" for coding in CODINGS)
    delimiters = ", ".join("tab" if each == "\t" else "a bar" if each == "|" else f"`{each}`" for each in DELIMITERS)
    lists = ", ".join(f"`{'.'.join(path)}`" for path in sorted(LISTS))
    return [
        *lines,
        "",
        f"Each but parquet also as {codings}; standard input (`-`) is recognised by how it begins. A "
        f"folder stands for all "
        "files in it that are read. Patterns are expanded. `https://` is read as it is, `s3://`, "
        "`gs://`, `hf://` and others "
        "with the extra `remote`; `.rss` and `.atom` need the extra `feeds`, `.warc` the extra "
        "`web`, `.parquet` the extra "
        "`parquet`.",
        "",
        f"Tables: the delimiter is the one of {delimiters} by which the header has most cells; a "
        f"charset other than UTF-8 is "
        "guessed, and told. A list within a JSON object counts when objects are in it and it is "
        "under one of these names: "
        f"{lists}.",
        "",
    ]


def _names() -> list[str]:
    lines = ["| field | other names | where it is when that is an object |", "|---|---|---|"]
    for ours in FIELDS:
        within = ", ".join(f"`{name}`" for name in WITHIN.get(ours, ()))
        lines.append(f"| `{ours}` | {', '.join(f'`{name}`' for name in NAMES[ours])} | {within} |")
    return [*lines, "", "Names that end with `html` or `rendered` hold markup, whose text is taken.", ""]


def _formats() -> list[str]:
    lines = [
        "## The wire's own formats",
        "",
        "`--format NAME` in `dedupe`, `push` and `follow`; XML and IPTC 7901 are recognised without "
        "it; over HTTP by Content-Type. "
        "XML is read without entities, DTDs and network. What is skipped is counted by its kind and is no failure.",
    ]
    for form in FORMATS:
        types = ", ".join(f"`{media_type}`" for media_type in form.media_types)
        lines += ["", f"### {form.title}", "", f"`--format {form.name}`; {', '.join(form.endings)}; {types}", ""]
        lines += ["| field | from |", "|---|---|"]
        lines += [f"| `{ours}` | {where} |" for ours, where in form.where.items()]
        lines += ["", f"Skipped: {form.skipped}."]
    for title, where in (("RSS and Atom", feeds.WHERE), ("WARC", archives.WHERE)):
        lines += ["", f"### {title}", "", "| field | from |", "|---|---|"]
        lines += [f"| `{ours}` | {told} |" for ours, told in where.items()]
    return [*lines, "", "Skipped in a WARC: responses that are no HTML or no success, and pages without an article."]


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
