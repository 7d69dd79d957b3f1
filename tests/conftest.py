pytest_plugins = ["databases", "nova", "sites"]


def pytest_terminal_summary(terminalreporter):
    """Say how many tests were skipped, also when none was."""
    terminalreporter.write_line(f"skipped: {len(terminalreporter.stats.get('skipped', []))}")
