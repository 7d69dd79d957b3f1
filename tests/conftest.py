import re

import coverage
import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["databases", "nova", "prometheus", "sites"]

# How long an example takes tells of the machine, and of what else it does.
settings.register_profile(
    "unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")

# What goes again and again over what other tests have covered: tracing would make it half as slow again.
_REPETITIVE = re.compile(
    "tests/(chaos|e2e|fuzz|property|simulation)/"
    "|/test_(brake_scenarios|faults|live_failures|policy_faults|policy_index|simulator)"
)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Trace only tests whose coverage counts, and their fixtures."""
    tracing = coverage.Coverage.current() if _REPETITIVE.search(item.nodeid) else None
    if tracing is None:
        return (yield)
    tracing.stop()
    try:
        return (yield)
    finally:
        tracing.start()


def pytest_terminal_summary(terminalreporter):
    """Say how many tests were skipped, also when none was."""
    terminalreporter.write_line(f"skipped: {len(terminalreporter.stats.get('skipped', []))}")
