"""The status page in a real browser: whoever looks at it, however, can read and use it."""

import re
from contextlib import ExitStack

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from pages import EMPTY, EVIL, FAILING, FROZEN, PORT, Rows, busy, port, shown, usual, written
from waiting import wait_for

from networking_nsx.model import Key, Kind, Status
from networking_nsx.neutron.census import Group
from networking_nsx.serve.health import Hang

WIDTHS = (360, 768, 1440)
LONG = EVIL + "x" * 200


def hostile() -> dict:
    rows = Rows([Group(LONG, "", {"DOWN": 5}), Group("n", LONG, {"DOWN": 5})], [port(PORT, LONG, EVIL)])
    told = {**FAILING, "last_error": LONG, "version": EVIL, "managers": (LONG,)}
    told |= {"index": "not believed", "index_reason": LONG, "rows": {kind.value: {LONG: 5} for kind in Kind}}
    return {"told": told, "rows": rows, "steps": [written(Key(Kind.PORT, LONG), Status.DOWN, LONG, LONG)]}


STATES = {
    "quiet": {"steps": busy()},
    "failing": {"told": FAILING, "hangs": [Hang("sweep", 95.0)], "steps": busy()},
    "frozen": {"told": FROZEN, "steps": busy()},
    "empty": {"told": EMPTY, "rows": Rows()},
    "hostile": hostile(),
}
PATHS = {**dict.fromkeys(STATES, "/"), "resource": f"/?id={PORT}", "nothing": "/?id=nobody"}


@pytest.fixture(scope="module")
def urls():
    """Of the page in every state."""
    with ExitStack() as opened:
        found = {name: opened.enter_context(shown(**state)) for name, state in STATES.items()}
        found |= dict.fromkeys(
            ("resource", "nothing"), opened.enter_context(shown(rows=usual(), steps=busy()))
        )
        for url in found.values():
            wait_for(lambda url=url: "being counted" not in requests.get(url, timeout=10).text)
        yield {name: url + PATHS[name] for name, url in found.items()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", PATHS)
def test_nothing_bars_anybody_from_it(urls, visit, state, scheme):
    """axe-core finds no violation at any width, and nothing is wider than the window."""
    for width in WIDTHS:
        page = visit(urls[state], width, scheme)
        found = Axe().run(page)
        wide = page.evaluate("document.documentElement.scrollWidth")

        assert found.violations_count == 0, found.generate_report()
        assert wide <= width


def test_dark_is_dark_and_light_is_light(urls, visit):
    """As the reader's system has it."""
    back = "getComputedStyle(document.documentElement).backgroundColor"
    light, dark = (
        sum(map(int, re.findall(r"\d+", visit(urls["quiet"], scheme=scheme).evaluate(back))))
        for scheme in ("light", "dark")
    )

    assert dark < 3 * 60
    assert light > 3 * 200


def test_the_keyboard_reaches_the_search_and_every_link(urls, visit):
    """First a way past the header, then the search, then the rest in its order; focus is always seen."""
    page = visit(urls["quiet"])
    reached, outlines = [], set()
    for _ in range(100):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "document.activeElement.getAttribute('href') || document.activeElement.id "
            "|| document.activeElement.textContent.trim()"
        )
        reached.append(name)
        outlines.add(page.evaluate("getComputedStyle(document.activeElement).outlineStyle"))
        if name == "readyz":
            break

    assert reached[:4] == ["#main", "./", "id", "Look up"]
    assert reached[-3:] == ["metrics", "healthz", "readyz"]
    assert "The same in figures" in reached
    links = page.evaluate("[...document.querySelectorAll('main a')].map(a => a.getAttribute('href'))")
    assert set(links) <= set(reached)
    assert outlines == {"solid"}


def test_a_resource_is_found_by_the_keyboard(urls, visit):
    """Its id is typed, and it is shown."""
    page = visit(urls["resource"].partition("?")[0])
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type(f" {PORT} ")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/?id=*{PORT}*")

    assert page.locator("h1").inner_text() == PORT
    assert "Port" in page.locator("h2").first.inner_text()


def test_text_of_others_runs_nothing_and_fetches_nothing(urls, visit):
    """Nor does the browser complain that the page breaks its own policy."""
    page = visit("about:blank")
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(urls["hostile"])

    assert page.title().startswith("Failing")
    assert all(url.startswith(urls["hostile"]) for url in asked)
    assert {url.removeprefix(urls["hostile"]) for url in asked} <= {"", "page.css", "icon.svg"}
    assert said == []


def test_it_is_whole_without_scripts(chromium, urls):
    """Whoever has none sees the same."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(urls["frozen"])

    assert page.locator("h1").inner_text() == "Paused"
    assert page.get_by_text("The brake holds 2 routers, 412 ports").is_visible()
    context.close()


def test_plots_say_in_words_what_they_show(urls, visit):
    """For whoever hears the page, and as a table."""
    page = visit(urls["quiet"])
    plots = page.get_by_role("img").all()

    assert [plot.get_attribute("aria-label").partition(" by the minute")[0] for plot in plots] == [
        "Statuses written",
        "NSX objects observed",
        "Sweeps completed",
        "Failures",
    ]
    assert "40 in all" in plots[0].get_attribute("aria-label")
    page.get_by_text("The same in figures").click()
    assert page.get_by_role("region", name="The last hour in figures").get_by_role("row").count() > 10
