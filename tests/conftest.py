import re

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
    "tests/(chaos|e2e|fuzz|property|simulation)/|/test_(faults|live_failures|policy_faults|simulator)"
)


def pytest_collection_modifyitems(items):
    """Trace only tests whose coverage counts."""
    for item in items:
        if _REPETITIVE.search(item.nodeid):
            item.add_marker(pytest.mark.no_cover)


def pytest_terminal_summary(terminalreporter):
    """Say how many tests were skipped, also when none was."""
    terminalreporter.write_line(f"skipped: {len(terminalreporter.stats.get('skipped', []))}")
