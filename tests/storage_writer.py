"""A process that appends to a store until it is killed, and the records that it appends: each follows from its number.

`python -m tests.storage_writer FOLDER SEED [CHECKPOINT_BYTES]` prints the number of the last acknowledged record after
each commit. With a limit on file sizes in its environment (LARGEST_FILE_BYTES) its writes fail some day; then it prints
the reason on standard error and exits with 3.
"""

import os
import random
import resource
import sys
from pathlib import Path

from wirecopy import errors
from wirecopy.storage import Entry, Record, Remains, Store, Writing, store

SCHEME = "test"
BATCHES = (1, 1, 2, 17)


def entry(number: int) -> Entry:
    """The record with this number: some have no id, no text, an empty payload or one of several pages."""
    chance = random.Random(number)
    size = chance.choice((0, 40, 900, 2500, 2500, 30_000 if number % 7 == 0 else 3000))
    article_id = None if number % 5 == 0 else f"id-{number}-ü/\x00"
    text = None if number % 4 == 0 else (f"text {number} " * (number % 90)).encode()
    return Entry(number % 3 - 1, article_id, chance.randbytes(size), text)


def record(number: int) -> Record:
    """What replay must give for it."""
    return Record(number, *entry(number)[:3])


def remains(number: int) -> Remains:
    """What is left of it when it is redacted."""
    return Remains(-number, b"" if number % 3 == 0 else b"left of %d " % number * (number % 50))


def append_some(target: Writing, count: int) -> int:
    """Append the next `count` records in one commit; returns the last number."""
    return target.append([entry(target.last + step) for step in range(1, count + 1)])


def main() -> int:
    folder, seed, *checkpoint = sys.argv[1:]
    if checkpoint:
        store._CHECKPOINT_BYTES = int(checkpoint[0])
    if "LARGEST_FILE_BYTES" in os.environ:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["LARGEST_FILE_BYTES"]),) * 2)
    chance = random.Random(int(seed))
    try:
        with Store.open(Path(folder), scheme=SCHEME) as target:
            while True:
                os.write(1, b"%d\n" % append_some(target, chance.choice(BATCHES)))
    except errors.StorageError as error:
        print(error, file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())
