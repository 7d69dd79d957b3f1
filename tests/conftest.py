from hypothesis import HealthCheck, settings

pytest_plugins = ["databases", "nova", "sites"]

# How long an example takes tells of the machine, and of what else it does.
settings.register_profile(
    "unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")


def pytest_terminal_summary(terminalreporter):
    """Say how many tests were skipped, also when none was."""
    terminalreporter.write_line(f"skipped: {len(terminalreporter.stats.get('skipped', []))}")
