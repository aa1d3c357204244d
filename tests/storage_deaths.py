"""Kill a process between any two lines of the storage's code and look at what it left.

`python -m tests.storage_deaths FOLDER EVERY` forks a child for every EVERY-th line that a small day in the life of a
store runs: making it, opening, commits of both sizes, moving pages, pruning, redacting, compacting, closing. The child
kills itself there (signal 9); then this process opens what it left and compares. Prints how many children died.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from tests.storage_writer import SCHEME, append_some, entry, record, remains
from wirecopy import storage
from wirecopy.storage import Store, checking, store

CODE = str(Path(storage.__file__).parent)
State = tuple[int, frozenset[int], frozenset[int]]  # the last number, the pruned ones, the redacted ones


def live(folder: Path, acknowledge: Callable[[Store], object]) -> None:
    """The small day; every operation is acknowledged when it returned."""
    for _ in range(2):
        with Store.open(folder, scheme=SCHEME) as target:
            acknowledge(target)
            for count in (1, 12, 1, 30):
                append_some(target, count)
                acknowledge(target)
            target.prune([target.last - 3, target.last - 2])
            acknowledge(target)
            target.append([entry(target.last + 1)], prune=[target.last - 1])
            acknowledge(target)
            redacted = target.last - 5
            target.append([entry(target.last + 1)], redact={redacted: remains(redacted)})
            acknowledge(target)
            target.compact()
            acknowledge(target)


def state_of(target: Store) -> State:
    """What a store holds, each record compared with what was appended."""
    kept = list(target.replay())
    redacted = set()
    for found in kept:
        if (found.id, found.kind, found.payload) == (None, *remains(found.number)):
            redacted.add(found.number)
            assert target.text(found.number) is None
            continue
        assert found == record(found.number)
        assert target.text(found.number) == entry(found.number).text
    return target.last, frozenset(range(1, target.last + 1)) - {found.number for found in kept}, frozenset(redacted)


def end_at(line: int, is_meant: Callable[[str], bool], act: Callable[[], object]) -> NoReturn:
    """Act, and end at a given line, counted over the files that are meant, by signal 9; or after the last."""
    passed = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal passed
        if not is_meant(frame.f_code.co_filename):
            return None
        passed += event == "line"
        if passed == line:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    try:
        act()
    finally:
        os._exit(0)


def die_at(line: int, is_meant: Callable[[str], bool], act: Callable[[], object]) -> bool:
    """Let a child act and end at a line; False when it lived to the end."""
    child = os.fork()
    if child == 0:
        end_at(line, is_meant, act)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def survive(line: int, folder: Path, states: list[State]) -> bool:
    """Let a child die and check what it left; False when it lived to the end."""
    shutil.rmtree(folder, ignore_errors=True)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        end_at(line, lambda file: file.startswith(CODE), lambda: live(folder, lambda target: os.write(writing, b".")))
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        acknowledged = len(stream.read())
    _, status = os.waitpid(child, 0)
    with Store.open(folder, scheme=SCHEME) as target:
        found = state_of(target)
        assert found in states[max(acknowledged - 1, 0) : acknowledged + 1], f"line {line}: {found}"
        append_some(target, 1)
    assert storage.verify(folder).problems == ()
    return os.WIFSIGNALED(status)


def main() -> int:
    folder, every = Path(sys.argv[1]), int(sys.argv[2])
    store._CHECKPOINT_BYTES = 30_000
    states: list[State] = []
    live(folder, lambda target: states.append(state_of(target)))
    doubts: list[object] = []
    read_all = checking.refuse_damage

    def count_doubt(log: Any) -> None:
        doubts.append(log)
        read_all(log)

    checking.refuse_damage = count_doubt
    line = 1
    while survive(line, folder, states):
        line += every
    assert not doubts, "a killed process must not cost a reading of everything"
    print(line // every)
    return 0


if __name__ == "__main__":
    sys.exit(main())
