"""Commands about settings and the service they describe: config, health. Like `cli`: parse arguments, call, print."""

from os import environ
from typing import Any

import click

_DONE, _FAILED = 0, 3
_EPILOG = """
\b
Exit codes:
  0  done
  2  wrong usage or configuration
  3  the service is not ready, or not there
"""
# Of every command that settings concern.
config_option = click.option(
    "--config",
    "config_file",
    metavar="FILE",
    envvar="WIRECOPY_CONFIG",
    help="Settings that replace the packaged defaults (YAML).  [env: WIRECOPY_CONFIG]",
)


@click.command("config", epilog=_EPILOG)
@config_option
@click.option("--check", is_flag=True, help="Print nothing but what is wrong.")
def config_command(config_file: str | None, check: bool) -> int:
    """Print every setting that would hold now, and where it comes from.

    Defaults are replaced by the file, the file by variables of the environment, these by options of the command line.
    A variable is called WIRECOPY_SECTION__SETTING, with two underscores; lists and objects are written in YAML or JSON.
    WIRECOPY_SECTION__SETTING_FILE names a file with the value, for secrets.

    \b
    Examples:
      wirecopy config --config wirecopy.yaml
      WIRECOPY_SERVICE__PORT=9000 WIRECOPY_AUTH__KEYS_FILE=/run/secrets/keys wirecopy config --check
    """
    from wirecopy import config
    from wirecopy.web import serve

    effective = config.gather(config_file, environ)
    serve.check_files(effective.config)
    if not check:
        click.echo(_describe(effective))
    return _DONE


@click.command(epilog=_EPILOG)
@config_option
def health(config_file: str | None) -> int:
    """Ask the service on this machine whether it takes articles, where the settings say that it listens.

    Prints its answer. For health checks of containers and supervisors.
    """
    import http.client
    import json

    from wirecopy import config

    service = config.load(config_file, environ).service
    connection = http.client.HTTPConnection(_reachable(service.host), service.port, timeout=2.5)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        click.echo(f"wirecopy: no service answers on {service.host}:{service.port}: {error}", err=True)
        return _FAILED
    finally:
        connection.close()
    click.echo(said.get("detail") or said.get("status"), err=answer.status != 200)
    return _DONE if answer.status == 200 else _FAILED


COMMANDS = (config_command, health)


def _reachable(host: str) -> str:
    """Return an address of this machine behind which a service listens that was told to listen on `host`."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1", "[::]": "::1"}.get(host, host.strip("[]"))


def _describe(effective: Any) -> str:
    """Return the settings as YAML, each with its origin behind it."""
    import msgspec

    from wirecopy.cli.terminal import printable

    lines = []
    for section, settings in msgspec.to_builtins(effective.config).items():
        lines.append(f"{section}:")
        for name, value in settings.items():
            origin = effective.origins[f"{section}.{name}"]
            lines.append(f"  {name}: {msgspec.json.encode(value).decode()}  # {printable(origin)}")
    return "\n".join(lines)
