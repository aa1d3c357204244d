"""Commands that look after stored articles. Like `cli`: parse arguments, call, print."""

from contextlib import closing
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wirecopy.cli.settings import config_option

if TYPE_CHECKING:
    from wirecopy.storage import Report, Where

_DONE, _FAILED = 0, 3
_PAGE = 500  # passages
_EPILOG = """
\b
Exit codes:
  0  done
  2  wrong usage
  3  refused, failed or damaged
"""


class _Place(click.ParamType[Any]):
    """A folder, or the address of a database."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Where":
        from wirecopy.storage import where

        return where(value)


_data = click.option(
    "--data",
    metavar="DIR",
    type=_Place(),
    default="data",
    show_default="./data",
    help="Folder of the service's articles, or postgresql://user@host/database.",
)


@click.command(epilog=_EPILOG)
@_data
def verify(data: "Where") -> int:
    """Read everything that is stored and check it: structure, order, every checksum, and that nothing is missing.

    Changes nothing, and may run beside the service. Everything that is wrong is printed on standard error.

    \b
    Example:
      wirecopy verify --data /var/lib/wirecopy
    """
    from wirecopy import storage
    from wirecopy.cli.terminal import printable

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
def backup(target: Path, data: "Where") -> int:
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
def restore(backup_file: Path, data: "Where") -> int:
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


@click.command(epilog=_EPILOG)
@click.argument("target", metavar="TO", type=_Place())
@_data
def migrate(target: "Where", data: "Where") -> int:
    """Copy everything that is stored to another place, and check the copy: a folder, or a database in PostgreSQL.

    TO holds no articles yet. Records, texts and checksums stay as they are, so the service goes on there under the same
    numbers. Stop the service before; what it would store meanwhile would not be copied. Nothing is taken away at the
    old place.

    \b
    Examples:
      wirecopy migrate postgresql://wirecopy@db.example/news --data /var/lib/wirecopy
      wirecopy migrate /var/lib/wirecopy --data postgresql://wirecopy@db.example/news
    """
    from wirecopy import storage

    report = storage.copy(data, target)
    click.echo(f"{target}: copied from {data} and checked: {_describe(report)}")
    return _DONE


@click.command(epilog=_EPILOG)
@_data
@config_option
@click.option("--source", metavar="NAME", help="Only of this source; '' for articles without a source.")
@click.option("--clear", is_flag=True, help="Forget what was learnt of the source; it is learnt anew from then on.")
def boilerplate(data: "Where", config_file: str | None, source: str | None, clear: bool) -> int:
    """List the passages that sources repeat, which count as no evidence in their further articles.

    Stop the service before, or ask it: GET /v1/boilerplate. Passages are shown by source, the most frequent first, with
    the number of indexed articles in which they stand (copies left out) and one of these articles. What they say is
    known only where texts are kept (service.keep_text).

    
    Examples:
      wirecopy boilerplate --data /var/lib/wirecopy --source daily.example
      wirecopy boilerplate --data /var/lib/wirecopy --source daily.example --clear
    """
    import time

    from wirecopy import config
    from wirecopy.cli.terminal import describe_boilerplate, load_kernels
    from wirecopy.storage import open_store, refuse_nothing

    if clear and source is None:
        raise click.UsageError("--clear needs --source: what is forgotten is named")
    settings = config.load(config_file, environ)
    refuse_nothing(data)
    load_kernels(data if isinstance(data, Path) else None)
    from wirecopy.detector.detector import Detector, scheme_of

    with closing(Detector(settings, open_store(data, scheme=scheme_of(settings)))) as detector:
        if clear:
            articles = detector.clear_boilerplate(source, time.time_ns() // 1_000_000)
            click.echo(f"{data}: forgotten what stood in {articles:,} articles; it is learnt anew from now on")
            return _DONE
        found, cursor = detector.boilerplate(source=source, limit=_PAGE)
        if not found and cursor is None:
            least = settings.detection.boilerplate_stories
            click.echo(f"{data}: no passage stands in {least} indexed articles of one source")
        while True:
            for passage in found:
                click.echo(describe_boilerplate(passage))
            if cursor is None:
                return _DONE
            found, cursor = detector.boilerplate(source=source, cursor=cursor, limit=_PAGE)


@click.command(epilog=_EPILOG)
@_data
def compact(data: "Where") -> int:
    """Write the database anew: no byte of what was deleted or pruned is left in its files. Stop the service before.

    A running service does the same for POST /v1/admin/compact. Takes as long as copying the database, and needs as
    much free disk, twice: in the folder, and in SQLite's temporary folder (SQLITE_TMPDIR, else /var/tmp). Backups made
    before still hold what they held.

    \b
    Example:
      wirecopy compact --data /var/lib/wirecopy
    """
    from pathlib import Path

    from wirecopy import storage
    from wirecopy.web.search.index_file import remove

    before, after = storage.compact(data)
    if isinstance(data, Path):
        remove(data)  # it is made again from the feed
    click.echo(f"{data}: written anew: {before:,} bytes before, {after:,} now")
    return _DONE


@click.command(epilog=_EPILOG)
@_data
@config_option
@click.option("--without-missing", is_flag=True, help="Leave out the articles whose texts were not kept.")
@click.option("--accept-loss", is_flag=True, help="Go on with what is left when the last commits are missing.")
def rebuild(data: "Where", config_file: str | None, without_missing: bool, accept_loss: bool) -> int:
    """Make the database anew from the kept texts: for another model or version, or settings that decide otherwise.

    All articles are decided anew, in the order in which they came. Moments, revisions, statuses and pins stay, what was
    deleted stays deleted, and the feed goes on with events that say what has changed. Stop the service before. It takes
    about as long as sending all articles again, and as much free disk as the database has; until its end the old one
    stays as it is, also when it is killed.

    \b
    Example:
      wirecopy rebuild --data /var/lib/wirecopy --config /etc/wirecopy.yaml
    """
    import time

    from wirecopy import config
    from wirecopy.cli.terminal import counting, load_kernels

    settings = config.load(config_file, environ)
    load_kernels(data if isinstance(data, Path) else None)
    from wirecopy.detector.history import rebuild

    opened = rebuild.open_rebuild(data, settings, without_missing=without_missing, accept_loss=accept_loss)
    with opened as planned:
        if planned.loss is not None:
            click.echo(f"wirecopy: {data}: {planned.loss}; going on without it", err=True)
        click.echo(f"{data}: {planned.describe()}")
        with counting(planned.revisions) as on_progress:
            made = planned.run(time.time_ns() // 1_000_000, on_progress)
    click.echo(f"{data}: {made.describe()}")
    return _DONE


@click.command("warm-up", epilog=_EPILOG)
@click.option("--baseline", is_flag=True, help="For any processor of this kind that is not very old, not for this one.")
@click.option("--into", metavar="DIR", type=click.Path(path_type=Path), help="Read and keep kernels in DIR alone.")
@click.option(
    "--data", metavar="DIR", type=click.Path(path_type=Path), help="Folder of a service, used when no other can be."
)
@click.option("--idle", is_flag=True, help="Compile only when the processor has nothing else to do.")
def warm_up(baseline: bool, into: Path | None, data: Path | None, idle: bool) -> int:
    """Compile the kernels now, for this processor, so that the next start need not.

    A wheel for Linux brings kernels that run on any x86-64 processor with AVX2 (x86-64-v3), or any aarch64. What is
    compiled here gives the same results bit for bit, in about the same time, and is used from the next start on. It
    is kept in the first of these folders that can be written: NUMBA_CACHE_DIR, the user's cache, the data folder,
    the system's folder for temporary files. With --baseline and without --into, kernels are put into the package
    itself, as in a wheel.

    \b
    Examples:
      wirecopy warm-up
      wirecopy warm-up --data /var/lib/wirecopy
    """
    import os

    from wirecopy.cli.terminal import load_kernels
    from wirecopy.detector import loading

    if idle:
        os.nice(19)
    if baseline:
        loading.target_baseline()
        into = into or loading.shipped_folder()
    loaded = load_kernels(data, into=into, is_native_only=True)
    kept = "in memory only, which is of no use" if loaded.folder is None else f"kept in {loaded.folder}"
    click.echo(f"{loaded.kernels} kernels for {loaded.cpu}, {loaded.compiled} of them compiled now, {kept}")
    return _FAILED if loaded.folder is None or loaded.trouble is not None else _DONE


COMMANDS = (verify, backup, restore, migrate, boilerplate, compact, rebuild, warm_up)


def _describe(report: "Report") -> str:
    pruned = f", {report.pruned:,} pruned" if report.pruned else ""
    return f"{report.records:,} records, {report.texts:,} texts{pruned}"
