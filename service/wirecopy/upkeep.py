"""Commands that look after stored articles: verify, backup, restore. Like `cli`: parse arguments, call, print."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from wirecopy.storage import Report

_DONE, _FAILED = 0, 3
_EPILOG = """
\b
Exit codes:
  0  done
  2  wrong usage
  3  refused, failed or damaged
"""

_data = click.option(
    "--data",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("data"),
    show_default="./data",
    help="Folder of the service's articles.",
)


@click.command(epilog=_EPILOG)
@_data
def verify(data: Path) -> int:
    """Read everything that is stored and check it: structure, order, every checksum, and that nothing is missing.

    Changes nothing, and may run beside the service. Everything that is wrong is printed on standard error.

    \b
    Example:
      wirecopy verify --data /var/lib/wirecopy
    """
    from wirecopy import storage
    from wirecopy.terminal import printable

    report = storage.verify(data)
    for problem in report.problems:
        click.echo(f"wirecopy: {data}: {printable(problem)}", err=True)
    if report.problems:
        return _FAILED
    click.echo(f"{data}: everything is as it was written: {_describe(report)}")
    return _DONE


@click.command(epilog=_EPILOG)
@click.argument("target", type=click.Path(path_type=Path))
@_data
def backup(target: Path, data: Path) -> int:
    """Write everything that is stored to the new file TARGET and check the copy; the service may be running.

    TARGET holds what was stored when the backup began.

    \b
    Example:
      wirecopy backup /backups/wirecopy-$(date +%F).db
    """
    from wirecopy import storage

    report = storage.backup(data, target)
    click.echo(f"{target}: written and checked: {_describe(report)}")
    return _DONE


@click.command(epilog=_EPILOG)
@click.argument("backup_file", metavar="BACKUP", type=click.Path(path_type=Path))
@_data
def restore(backup_file: Path, data: Path) -> int:
    """Check the file BACKUP and put it into a folder that holds no articles; stop the service before.

    A folder that holds articles is refused: move it away first.

    \b
    Example:
      wirecopy restore /backups/wirecopy-2024-11-05.db --data /var/lib/wirecopy
    """
    from wirecopy import storage

    report = storage.restore(backup_file, data)
    click.echo(f"{data}: restored and checked: {_describe(report)}")
    return _DONE


COMMANDS = (verify, backup, restore)


def _describe(report: "Report") -> str:
    pruned = f", {report.pruned:,} pruned" if report.pruned else ""
    return f"{report.records:,} records, {report.texts:,} texts{pruned}"
