"""A pytest plugin: says whether each failure is one of an assertion; hypothesis stops at the first one.

What matters is that a law is broken; the smallest example is of no interest, and costs minutes.
"""

import pytest
from hypothesis import HealthCheck, Phase, settings

PROFILE = "mutants"
settings.register_profile(
    PROFILE,
    deadline=None,
    database=None,
    derandomize=True,
    report_multiple_bugs=False,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
_FAILED: list[str] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        kind = call.excinfo.type if call.when == "call" else RuntimeError
        _FAILED.append(f"{'BROKEN' if issubclass(kind, AssertionError) else 'CRASHED'} {item.location[2]}")
    return report


def pytest_unconfigure():
    print("\n", *_FAILED, sep="\n")  # noqa: T201 - read by __main__.py
