"""When there is no search for garbage."""

import gc
import subprocess
import sys

import pytest

from wirecopy.detector import gc_control


@pytest.mark.parametrize("is_enabled", [True, False])
def test_the_search_rests_for_a_time_and_is_then_as_it_was(is_enabled: bool) -> None:
    was_enabled = gc.isenabled()
    (gc.enable if is_enabled else gc.disable)()
    try:
        with pytest.raises(KeyboardInterrupt):
            _interrupt_unsearched()
        assert gc.isenabled() == is_enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()


def _interrupt_unsearched() -> None:
    with gc_control.unsearched():
        assert not gc.isenabled()
        raise KeyboardInterrupt


def test_a_process_ends_without_a_search() -> None:
    program = """
import atexit, gc
from wirecopy.detector import gc_control as garbage
cycle = []; cycle.append(cycle)
atexit.register(lambda: print(gc.get_freeze_count() > 1000))  # comes after what is registered later
garbage.leave_at_exit()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
