"""The log as it travels: rows that vouch for each other, for whoever keeps a copy or follows what is stored."""

from msgspec import Struct


class LogRow(Struct, frozen=True, omit_defaults=True):
    """One record as it is stored; bytes are base64.

    `number` counts from 1. A row without `kind` stands for a run of pruned records that ends with this number. `chain`
    is the checksum over the row and the chain before it. `text` is the text that was kept, compressed by Zstandard,
    `text_digest` its checksum, which `chain` covers.
    """

    number: int
    payload: bytes
    chain: bytes
    kind: int | None = None
    id: str | None = None
    text_digest: bytes | None = None
    text: bytes | None = None


class LogPage(Struct, frozen=True):
    """Records in order; `next` is the `after` of the next page, the same as asked when there is nothing newer.

    `identity`, `format` and `scheme` say of which log they are and how they were made; another identity is another log,
    and what was read before is of no use. `before` is the chain before the first row, `last` the number of the newest
    record.
    """

    identity: bytes
    format: int
    scheme: str
    before: bytes
    rows: list[LogRow]
    next: int
    last: int
