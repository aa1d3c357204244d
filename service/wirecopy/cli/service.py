"""Commands of the service: serve, push. Like `cli`: parse arguments, call, print."""

import logging
from contextlib import suppress
from functools import partial
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wirecopy import errors
from wirecopy.cli.settings import config_option
from wirecopy.errors import InputFailed, UsageError

if TYPE_CHECKING:
    from wirecopy.config import Config
    from wirecopy.detector.detector import Detector
    from wirecopy.detector.standby import Standby
    from wirecopy.files.documents import FetchNitf
    from wirecopy.files.reading import Schema
    from wirecopy.web.loading import Loading

_DONE, _REFUSED = 0, 1
_SERVE_EPILOG = """
\b
Exit codes:
  0  stopped as asked (SIGTERM, Ctrl-C)
  2  wrong usage or configuration
  3  the stored articles cannot be used, or the disk refused a commit
"""
_PUSH_EPILOG = """
\b
Exit codes:
  0  done
  1  done, but some lines were refused
  2  wrong usage
  3  an input failed, or the service cannot be reached or refuses to serve
"""


def read_mapping(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """`text=body,id=uri` as a mapping from our field names to the input's."""
    from wirecopy.schema.article import FIELDS

    mapping: dict[str, str] = {}
    for pair in ",".join(values).split(",") if values else []:
        ours, _, theirs = pair.partition("=")
        if ours not in FIELDS or not theirs:
            raise click.BadParameter(f"{pair!r} is not FIELD=NAME with FIELD one of {', '.join(FIELDS)}")
        if ours in mapping:
            raise click.BadParameter(f"{ours} is given twice")
        mapping[ours] = theirs
    return mapping


# Also of `dedupe`: what the files hold.
format_option = click.option(
    "--format",
    "schema",
    type=click.Choice(["own", "ninjs", "dpa", "newsml-g2", "newsml-1", "nitf", "iptc7901"]),
    default="own",
    help="The files hold items of this format: ninjs (IPTC's 1.0 to 3.1, AP's Media API), dpa (digitalwires), ... XML "
    "is recognised without it.  [default: own fields]",
)
map_option = click.option(
    "--map",
    "mapping",
    multiple=True,
    callback=read_mapping,
    metavar="FIELD=NAME,...",
    help="Take fields from other names, by dotted paths: --map text=body,source=source.name. Common names need none.",
)
nitf_option = click.option(
    "--fetch-nitf",
    metavar="HOST=KEY_FILE",
    help="Get the text of AP's items from where they link to, at HOST only, with the key in KEY_FILE.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
_CURL = """\
curl -X PUT {url}/v1/articles/wire-1 -H 'Content-Type: application/json'{key} \\
  -d '{{"title": "Harbour bridge closed", "text": "The harbour bridge was closed to all traffic on Monday."}}'"""


@click.command(epilog=_SERVE_EPILOG)
@config_option
@click.option("--host", metavar="ADDRESS", help="Where to listen.  [default: as configured, 127.0.0.1]")
@click.option("--port", metavar="N", type=int, help="0 takes any free one.  [default: as configured, 8080]")
@click.option("--data", metavar="DIR", help="Folder of the articles.  [default: as configured, ./data]")
@click.option("--store", metavar="ADDRESS", help="Keep the articles in PostgreSQL: postgresql://user@host/database")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="Form of the log on standard error.")
@click.option("--allow-anonymous", is_flag=True, help="Serve other machines without keys.")
@click.option("--standby", is_flag=True, help="Answer, and take over when the writer of --store is gone.")
@click.option("--accept-loss", is_flag=True, help="Go on with what is left when the last commits are missing.")
def serve(config_file: str | None, allow_anonymous: bool, standby: bool, accept_loss: bool, **options: Any) -> int:
    """Run the service: PUT an article, get its story, durably.

    Prints where it listens, and a first request to try, once it is ready; the log goes to standard error. SIGTERM stops
    it gracefully. Its description is at /docs.

    \b
    Examples:
      wirecopy serve
      wirecopy serve --config wirecopy.yaml --data /var/lib/wirecopy
      wirecopy serve --store postgresql://wirecopy@db.example/news --standby

    With --standby, several services share a database: one writes, the others answer questions as of a record that they
    name (Wirecopy-As-Of) and lead writes to it (307). GET /readyz?role=writer tells which one writes.
    """
    from wirecopy import config
    from wirecopy.web import serve
    from wirecopy.web.loading import Loading

    given = {name: value for name, value in options.items() if value is not None}
    loaded = config.override(config.load(config_file, environ), "service", **given)
    serve.check(loaded, allow_anonymous=allow_anonymous)
    serve.check_files(loaded)

    def tell(url: str) -> None:
        key = " -H 'Authorization: Bearer YOUR-KEY'" if loaded.auth.keys else ""
        click.echo(f"wirecopy listens on {url} with its data in {_place(loaded)}; {url}/docs says more. Try:\n")
        click.echo(_CURL.format(url=url, key=key) + "\n")

    loading = Loading()
    settings = serve.Settings(loaded, lambda: config.load(config_file, environ).auth, config_file, loading)
    open_it = _open_standby if standby else _open_detector
    serve.run(settings, lambda: open_it(loaded, accept_loss, loading), tell)
    return _DONE


@click.command(epilog=_PUSH_EPILOG)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--to", "url", metavar="URL", required=True, help="Where the service listens: http://127.0.0.1:8080")
@click.option("--key", envvar="WIRECOPY_KEY", metavar="KEY", help="Sent as Authorization: Bearer.  [env: WIRECOPY_KEY]")
@click.option("--ca-file", metavar="FILE", help="Certificates (PEM) of who vouches for the service, beside https.")
@click.option(
    "--state",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where to remember how far it got.  [default: the first FILE with .push behind its name]",
)
@click.option("--restart", is_flag=True, help="Start from the beginning, whatever was sent before.")
@click.option(
    "--give-up-after", metavar="SECONDS", type=float, default=300.0, show_default=True, help="Without success."
)
@format_option
@map_option
@click.option("--strict", is_flag=True, help="Refuse an article for an optional field that cannot be read.")
@nitf_option
@json_option
def push(
    files: tuple[str, ...],
    url: str,
    key: str | None,
    ca_file: str | None,
    state: Path | None,
    restart: bool,
    give_up_after: float,
    schema: "Schema",
    mapping: dict[str, str],
    strict: bool,
    fetch_nitf: str | None,
    as_json: bool,
) -> int:
    """Send the articles of all FILEs to a running service, in order, many at a time.

    Formats and fields are those of dedupe. A busy or restarting service is waited for. What was stopped goes on where
    it was when the same command is given again; sending an article twice does no harm. A line that is refused, here or
    by the service, is told on standard error with file, line and reason; the rest goes on.

    \b
    Example:
      wirecopy push monday.jsonl.gz tuesday.jsonl.gz --to http://127.0.0.1:8080
    """
    from wirecopy.cli.refusals import Telling
    from wirecopy.cli.terminal import counting, summary_json
    from wirecopy.client import push
    from wirecopy.config import Limits
    from wirecopy.schema.intake import IntakeParser

    check_mapping(mapping, schema)
    telling, intake = Telling(), IntakeParser(Limits(), mapping, is_strict=strict)
    with counting() as on_progress:
        summary = push.push(
            files,
            url=url,
            key=key,
            ca_file=ca_file,
            state_file=state,
            restart=restart,
            give_up_after=give_up_after,
            on_refusal=telling.refusal,
            on_progress=on_progress,
            schema=schema,
            intake=intake,
            fetch_nitf=nitf_fetcher(fetch_nitf),
            on_chunk=telling.chunk,
        )
    telling.finish(intake.names_found(), is_empty=not summary.new + summary.revised + summary.replayed)
    if as_json:
        click.echo(summary_json(summary._asdict() | telling.facts()))
    else:
        click.echo(f"{summary}{telling.describe()}", err=True)
    return _REFUSED if summary.refused else _DONE


COMMANDS = (serve, push)


def check_mapping(mapping: dict[str, str], schema: str) -> None:
    """Raise UsageError for a mapping of a format that has none."""
    if mapping and schema != "own":
        raise UsageError(f"--map names fields of your own; those of {schema} are known")


def nitf_fetcher(option: str | None) -> "FetchNitf | None":
    """Return what gets the NITF that items of AP link to, None without the option. Raises UsageError, InputFailed."""
    if option is None:
        return None
    from wirecopy.files import remote

    host, _, file = option.partition("=")
    if not host or not file:
        raise UsageError("--fetch-nitf needs HOST=KEY_FILE")
    try:
        key = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputFailed(file, str(error)) from None
    return partial(remote.fetch_text, host=host, key=key)


def _place(config: "Config") -> str:
    """Return where the articles are, without a password."""
    from wirecopy.storage import where

    return str(where(config.service.store or config.service.data))


def serve_sample(port: int) -> int:
    """Serve the packaged sample from a folder that is removed at the end, and say where."""
    import tempfile
    import time
    from importlib import resources

    from wirecopy import config
    from wirecopy.schema.article import parse
    from wirecopy.web import serve
    from wirecopy.web.loading import Loading

    with tempfile.TemporaryDirectory(prefix="wirecopy-demo-") as folder:
        settings, loading = config.override(config.load(), "service", data=folder, port=port), Loading()

        def open_with_sample() -> "Detector":
            detector = _open_detector(settings, False, loading)
            lines = (resources.files("wirecopy") / "data" / "sample" / "articles.jsonl").read_bytes().splitlines()
            detector.ingest([parse(line, settings.limits) for line in lines], time.time_ns() // 1_000_000)
            return detector

        def tell(url: str) -> None:
            click.echo(f"the packaged sample is shown at {url}/ until Ctrl-C; nothing of it is kept")

        serve.run(serve.Settings(settings, lambda: settings.auth, None, loading), open_with_sample, tell)
    return _DONE


def _open_standby(config: "Config", accept_loss: bool, loading: "Loading") -> "Detector | Standby":
    """Return a standby; where nobody has ever written, the writer."""
    _load_kernels(config, loading)
    from wirecopy.detector.detector import scheme_of
    from wirecopy.detector.standby import Standby
    from wirecopy.storage import holds_articles, open_followed, where

    settings = config.service
    place, scheme = where(settings.store or settings.data), scheme_of(config)
    if settings.store is not None and not holds_articles(place):
        with suppress(errors.Locked):  # another one was quicker
            return _open_detector(config, accept_loss, loading)
    return Standby(config, open_followed(place, scheme=scheme), witness=Path(settings.data))


def _open_detector(config: "Config", accept_loss: bool, loading: "Loading") -> "Detector":
    """Load the kernels, open the store and replay it, telling `loading` what is done."""
    _load_kernels(config, loading)
    from wirecopy.detector.detector import Detector, scheme_of
    from wirecopy.storage import Pipeline, open_store, where

    loading.tell("opening the store")
    settings = config.service
    place = where(settings.store or settings.data)
    scheme, witness = scheme_of(config), Path(settings.data)
    store = open_store(place, scheme=scheme, accept_loss=accept_loss, witness=witness, url=settings.public_url)
    if store.loss is not None:
        logging.getLogger("loss").warning("%s; going on without it", store.loss)  # the service's log takes warnings

    def tell(done: int, of: int) -> None:
        loading.tell(f"replaying: {done / of:.0%} of {of:,} records")

    return Detector(config, Pipeline(store, tell))


def _load_kernels(config: "Config", loading: "Loading") -> None:
    from wirecopy.detector import loading as kernels
    from wirecopy.storage.place import failures_of, make_folder

    log, data = logging.getLogger("kernels"), Path(config.service.data)
    with failures_of(data):
        make_folder(data)

    def tell(progress: kernels.Progress) -> None:
        if loading.doing.startswith("loading"):
            log.warning("%s", progress)
        loading.tell(f"compiling kernels: {progress.done} of {progress.total}")

    loading.tell("loading kernels")
    loaded = kernels.load(data=data, on_compile=tell, owns_process=True)
    if loaded.trouble is not None:
        log.warning("compiled kernels are in memory only, %s", loaded.trouble)
