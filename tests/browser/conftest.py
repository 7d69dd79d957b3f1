"""A real Chromium without a window. Where it is not installed its tests are skipped; in CI they fail."""

import pytest
from playwright.sync_api import sync_playwright
from servers import needed

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def chromium():
    """A browser with a profile of its own."""
    program = needed("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*FLAGS])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Open a URL in a new profile: `visit(url, width, scheme)`."""
    contexts = []

    def opened(url, width=1440, scheme="light"):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
