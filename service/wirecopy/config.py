"""Every setting: one frozen `Config` whose types hold the ranges. This is the only reader of settings.

The packaged defaults are the defaults of these structs. A file (`--config FILE`) replaces some of them, variables of
the environment some of those (WIRECOPY_SERVICE__PORT=9000), options of the command line the last. The working directory
is never searched. `config.yaml` at the root of the project lists every setting with its default, its unit and what one
loses on either side; a test holds the two equal.
"""

import contextlib
import re
from collections.abc import Mapping
from difflib import get_close_matches
from os import PathLike
from typing import Annotated, Any, Literal, NamedTuple, get_args

from msgspec import Meta, Struct, ValidationError, convert, field, structs, to_builtins

from wirecopy.errors import ConfigError

_MAX_BYTES = 2**30
Bytes = Annotated[int, Meta(ge=1, le=_MAX_BYTES)]


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds on one article; what exceeds them is refused with a reason."""

    max_line_bytes: Bytes = 32 * 2**20
    max_text_bytes: Bytes = 32 * 2**20
    max_id_bytes: Bytes = 1024
    max_field_bytes: Bytes = 64 * 2**10
    max_source_bytes: Bytes = 2**10
    max_depth: Annotated[int, Meta(ge=1, le=256)] = 64
    earliest_published: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] = "1980-01-02"
    most_hours_ahead: Annotated[float, Meta(ge=0, le=100_000_000)] = 36.0


class Intake(Struct, frozen=True, forbid_unknown_fields=True):
    """How articles are read that come in forms of their own: other names, times without a zone, fields in disorder."""

    map: dict[str, Annotated[str, Meta(min_length=1, max_length=1024)]] = {}
    zone: Annotated[str, Meta(min_length=1, max_length=64)] = "UTC"
    strict: bool = False
    superdesk_secret_file: Annotated[str, Meta(min_length=1)] | None = None


class Detection(Struct, frozen=True, forbid_unknown_fields=True):
    """When two articles are compared, and what counts as a match."""

    window_days: Annotated[float, Meta(ge=0, le=36525)] | None = 14.0
    min_words: Annotated[int, Meta(ge=1, le=1000)] = 8
    max_words: Annotated[int, Meta(ge=64, le=1_000_000)] = 4096
    min_shared_rarity: Annotated[float, Meta(ge=1, le=100)] = 9.0
    max_key_articles: Annotated[int, Meta(ge=1, le=128)] = 48
    max_candidates: Annotated[int, Meta(ge=1, le=1000)] = 64
    min_odds: Annotated[float, Meta(ge=-10, le=10)] = -1.5
    boilerplate_stories: Annotated[int, Meta(ge=0, le=255)] = 4
    model: Annotated[str, Meta(min_length=1)] | None = None


Keep = Literal["first_published", "first_seen", "longest", "preferred_sources", "agency_first"]
SourceName = Annotated[str, Meta(min_length=1, max_length=256)]
# News agencies by the names and domains under which archives and feeds have their articles.
_AGENCIES = """
AFP, Agence France-Presse, afp.com, AP, Associated Press, The Associated Press, apnews.com, ap.org, Reuters,
Thomson Reuters, reuters.com, dpa, Deutsche Presse-Agentur, dpa.com, dpa-international.com, UPI, upi.com,
PA Media, PA, Press Association, pa.media, The Canadian Press, Canadian Press, AAP,
Australian Associated Press, aap.com.au, APA, Austria Presse Agentur, apa.at, epd, KNA, Keystone-SDA, sda,
keystone-sda.ch, EFE, Agencia EFE, efe.com, Europa Press, europapress.es, ANSA, ansa.it, Adnkronos,
adnkronos.com, AGI, agi.it, Lusa, lusa.pt, Belga, ANP, anp.nl, Ritzau, NTB, TT, STT, PAP, pap.pl, ČTK, ctk.cz,
TASR, MTI, mti.hu, Agerpres, agerpres.ro, BTA, БТА, bta.bg, HINA, hina.hr, Tanjug, Танјуг, STA, sta.si, ELTA,
LETA, BNS, ΑΠΕ-ΜΠΕ, Ukrinform, Укрінформ, ukrinform.ua, ukrinform.net, TASS, ТАСС, tass.com, tass.ru, Interfax,
Интерфакс, interfax.ru, РИА Новости, RIA Novosti, ria.ru, Anadolu Ajansı, Anadolu Agency, Anadolu, aa.com.tr,
İHA, iha.com.tr, DHA, dha.com.tr, IRNA, ایرنا, irna.ir, WAM, وام, وكالة الأنباء السعودية, Xinhua, 新华社,
新華社, xinhuanet.com, 中央社, cna.com.tw, Kyodo, Kyodo News, 共同通信, 共同通信社, kyodonews.net, Jiji Press,
時事通信, 時事通信社, jiji.com, Yonhap, 연합뉴스, yna.co.kr, Bernama, bernama.com, Antara, antaranews.com, PTI,
Press Trust of India, ptinews.com, ANI, aninews.in, IANS
"""


class Stories(Struct, frozen=True, forbid_unknown_fields=True):
    """How matches become stories, and who stands for one; `first` is an older name of `first_published`."""

    keep: Literal[Keep, "first"] = "first_published"
    preferred_sources: list[SourceName] = []
    agencies_by_credit: bool = False
    agencies: list[SourceName] = field(default_factory=lambda: _AGENCIES.replace("\n", " ").strip().split(", "))


Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]


class Service(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the service listens and keeps its data, how much it gathers, how it stops."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8080
    data: str = "data"
    store: Annotated[str, Meta(pattern="^postgres(ql)?://")] | None = None
    public_url: Annotated[str, Meta(pattern="^https?://[^/ ]+/?$")] | None = None
    max_waiting_articles: Count = 4096
    max_batch_articles: Count = 256
    max_waiting_questions: Count = 1024
    keep_text: bool = True
    index_days: Annotated[float, Meta(gt=0, le=36525)] | None = 14.0
    max_indexed_articles: Annotated[int, Meta(ge=1024, le=60_000_000)] = 1_000_000
    retention_days: Annotated[float, Meta(gt=0, le=36525)] | None = 365.0
    max_clock_jump_seconds: Seconds = 300.0
    clock_patience_seconds: Annotated[float, Meta(gt=0, le=31_536_000)] = 3600.0
    drain_timeout_seconds: Seconds = 10.0
    log_format: Literal["text", "json"] = "text"


class Web(Struct, frozen=True, forbid_unknown_fields=True):
    """What one client may cost."""

    max_body_bytes: Bytes = 32 * 2**20
    max_held_bytes: Annotated[int, Meta(ge=1, le=2**40)] = 256 * 2**20
    max_held_answer_bytes: Annotated[int, Meta(ge=1, le=2**40)] = 256 * 2**20
    max_connections: Count = 2000
    max_connections_per_address: Count = 1500
    hosts: list[Annotated[str, Meta(min_length=1, max_length=255)]] = []
    proxies: list[str] = []
    header_timeout_seconds: Seconds = 10.0
    body_timeout_seconds: Seconds = 20.0
    min_body_bytes_per_second: Count = 1000
    write_timeout_seconds: Seconds = 30.0
    keepalive_timeout_seconds: Seconds = 75.0
    markup_timeout_seconds: Seconds = 3.0
    max_markup_memory_bytes: Annotated[int, Meta(ge=64 * 2**20, le=2**40)] = 512 * 2**20
    max_bulk_streams: Count = 8
    max_spool_bytes: Annotated[int, Meta(ge=0, le=2**40)] = 256 * 2**20
    max_refused_lines: Count = 1000
    max_event_streams: Count = 256
    heartbeat_seconds: Seconds = 15.0


Role = Literal["read", "write", "edit", "erase", "admin", "metrics"]


class Key(Struct, frozen=True, forbid_unknown_fields=True):
    """A client that may use the service: its name in logs, the SHA-256 of its key in hexadecimal digits, its roles."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    roles: list[Role] = field(default_factory=lambda: list(get_args(Role)))


class Auth(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may use the service, and how much."""

    keys: list[Key] = []
    anonymous: list[Role] | None = None
    rate_limit_per_second: Annotated[float, Meta(gt=0, le=1e9)] | None = 5000.0
    rate_limit_burst: Count = 10_000
    address_rate_limit_per_second: Annotated[float, Meta(gt=0, le=1e9)] | None = 10_000.0
    address_rate_limit_burst: Count = 20_000


class Webhook(Struct, frozen=True, forbid_unknown_fields=True):
    """Who hears of events: its name in logs and metrics, where, which types (all, when none are named), from when on.

    `secret_file` holds what deliveries are signed with.
    """

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    url: str
    secret_file: Annotated[str, Meta(min_length=1)]
    types: list[str] = []
    begin: Literal["oldest", "newest"] = "oldest"


class Webhooks(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is called when stories change, and how often it is tried."""

    to: list[Webhook] = []
    allowed_hosts: list[str] = []
    timeout_seconds: Seconds = 10.0
    first_retry_seconds: Seconds = 1.0
    max_retry_seconds: Seconds = 300.0


class Page(Struct, frozen=True, forbid_unknown_fields=True):
    """The page for people: how long who signed in stays, what may be fetched, from where scripts may ask."""

    session_hours: Annotated[float, Meta(gt=0, le=8760)] = 12.0
    search: bool = True
    search_file: Annotated[str, Meta(min_length=1)] | None = None
    fetch_hosts: list[str] = []
    cross_origins: list[Annotated[str, Meta(pattern=r"^https?://[^/\s*]+$")]] = []


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """All settings. A component receives its own section or bare numbers, never this."""

    limits: Limits = Limits()
    intake: Intake = Intake()
    detection: Detection = Detection()
    stories: Stories = Stories()
    service: Service = Service()
    web: Web = Web()
    auth: Auth = Auth()
    webhooks: Webhooks = Webhooks()
    page: Page = Page()


DEFAULT = "default"
_PREFIX, _FILE = "WIRECOPY_", "_FILE"
_YAML = ("[", "{", "- ", "#")  # how a list or an object in YAML or JSON begins
# Variables that are no settings: of commands, of the project's tests, and those that Kubernetes sets in every container
# where a Service is called wirecopy.
_OTHER_VARIABLES = re.compile(r"WIRECOPY_(CONFIG|KEY|TEST_\w+|SERVICE_HOST|SERVICE_PORT(_[A-Z]\w*)?|PORT(_\d+_\w+)?)")


class Effective(NamedTuple):
    """The settings that hold, and for each ("service.port") what gave it: default, a file, or a variable."""

    config: Config
    origins: dict[str, str]


def load(path: str | PathLike[str] | None = None, environment: Mapping[str, str] | None = None) -> Config:
    """Return the packaged defaults, changed by the YAML file at `path`, then by variables of `environment`.

    Raises ConfigError (file, setting, expectation) for a file that cannot be read, is not YAML, names a setting that
    does not exist or names one twice, or holds a value of the wrong type or out of range; and the same for a variable.
    """
    return gather(path, environment or {}).config


def gather(path: str | PathLike[str] | None, environment: Mapping[str, str]) -> Effective:
    """Return the same, with the origin of each setting.

    A variable is called WIRECOPY_SECTION__SETTING. Its value is a number, a word, `null`, or a list or an object in
    YAML or JSON. WIRECOPY_SECTION__SETTING_FILE names a file that holds the value: for secrets.
    """
    origins = {f"{section.name}.{each.name}": DEFAULT for section, each in _all_settings()}
    config = Config()
    if path is not None:
        file = str(path)
        read = _read_yaml(file)
        config = _convert({} if read is None else read, file)
        named = read if isinstance(read, dict) else {}
        origins |= {f"{name}.{each}": file for name, section in named.items() for each in section or {}}
    given = _read_environment(environment)
    if given:
        values = to_builtins(config)
        for variable, (section, name, value) in given.items():
            values[section][name] = value
            origins[f"{section}.{name}"] = variable
        config = _convert(values, "environment")
    return Effective(config, origins)


def variable_of(section: str, name: str) -> str:
    """Return the variable for a setting."""
    return f"{_PREFIX}{section}__{name}".upper()


def override(config: Config, section: str, **settings: Any) -> Config:
    """Return `config` with some settings of one section replaced, as options of the command line ask.

    Raises ConfigError for a value out of range.
    """
    values = to_builtins(config)
    values[section].update(settings)
    return _convert(values, "command line")


def _convert(settings: Any, file: str) -> Config:
    try:
        return convert(settings, Config)
    except ValidationError as error:
        expectation, _, where = str(error).partition(" - at `")
        raise ConfigError(file, where.rstrip("`").removeprefix("$").removeprefix("."), expectation) from None


def _all_settings() -> list[tuple[structs.FieldInfo, structs.FieldInfo]]:
    """Return each setting behind its section."""
    return [(section, each) for section in structs.fields(Config) for each in structs.fields(section.type)]


def _read_environment(environment: Mapping[str, str]) -> dict[str, tuple[str, str, Any]]:
    """Variable -> section, setting and value, for every setting that is given."""
    settings = {variable_of(section.name, each.name): (section.name, each) for section, each in _all_settings()}
    secrets = {f"{variable}{_FILE}": setting for variable, setting in settings.items()}
    found = {}
    for variable in sorted(name for name in environment if name.startswith(_PREFIX)):
        text = environment[variable]
        if variable in settings:
            section, each = settings[variable]
        elif variable in secrets:
            section, each = secrets[variable]
            text = _read_secret(variable, text)
        elif _OTHER_VARIABLES.fullmatch(variable):
            continue
        else:
            near = get_close_matches(variable, settings, n=1, cutoff=0.0)
            raise ConfigError("environment", variable, f"is no setting; the nearest name is {near[0]}")
        found[variable] = section, each.name, _parse(variable, text, each.type)
    return found


def _read_secret(variable: str, file: str) -> str:
    try:
        with open(file, encoding="utf-8") as stream:
            return stream.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError("environment", variable, f"{file} cannot be read: {reason}") from None


def _parse(variable: str, text: str, kind: Any) -> Any:
    """Return the value of a variable, as a file would give it: of its setting's type as it stands, or in YAML."""
    is_yaml = text.startswith(_YAML)
    try:
        if text == "null":
            return to_builtins(convert(None, kind))
        with contextlib.suppress(ValidationError) if is_yaml else contextlib.nullcontext():
            return to_builtins(convert(text, kind, strict=False))
        return to_builtins(convert(_parse_yaml(text, f"environment: {variable}"), kind))
    except ValidationError as error:
        raise ConfigError("environment", variable, str(error).replace(" - at `$`", "")) from None


def _read_yaml(file: str) -> Any:
    try:
        with open(file, "rb") as stream:
            return _parse_yaml(stream, file)
    except OSError as error:
        raise ConfigError(file, "", f"cannot be read: {error.strerror}") from None


def _parse_yaml(source: Any, file: str) -> Any:
    import yaml  # only who has settings pays for it

    class Loader(yaml.SafeLoader):
        """Refuses a key that is given twice: YAML forbids it, PyYAML silently takes the last."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            lines: dict[object, int] = {}
            for key, _ in node.value:
                if key.value in lines:
                    first, second = lines[key.value], key.start_mark.line + 1
                    raise ConfigError(file, str(key.value), f"is given twice, in lines {first} and {second}")
                lines[key.value] = key.start_mark.line + 1
            return super().construct_mapping(node, deep=deep)

    try:
        return yaml.load(source, Loader)
    except yaml.YAMLError as error:
        raise ConfigError(file, "", "is not YAML: " + " ".join(str(error).split())) from None
    except (RecursionError, ValueError, TypeError) as error:
        raise ConfigError(file, "", f"is not a file of settings: {error}") from None
