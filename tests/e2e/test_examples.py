"""What the documentation tells its reader to type works, and says what the documentation says."""

import json
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from examples import ROOT, Block, Command, Terminal, blocks, free_ports, missing, pieces
from line import vars_of
from sites import process
from waiting import wait_for

from networking_nsx.neutron import schema
from networking_nsx.neutron.database import engine
from networking_nsx.neutron.populate import populate
from networking_nsx.simulator import Simulator

BIN = Path(sys.executable).parent
STORIES = ("docs/tutorial/first-sweep.md", "docs/tutorial/first-cloud.md")
RUNBOOKS = "docs/how-to/runbooks/"
# What may end with another code than 0, and still has done what it is for.
CODES = {"neutron-nsx diff": (0, 3), "neutron-nsx check": (0, 1, 10, 12)}

# Nothing else may be left out: (page, how the block begins) -> why it is not run.
NOT_RUN = {
    ("README.md", "make demo"): ".ci/run does both, and tests/e2e/test_command.py has a demo",
    ("docs/how-to/run-on-a-cloud.md", "python3 -m venv /opt"): "it installs from a package index, as root",
    ("docs/how-to/run-on-a-cloud.md", "export PATH=/opt"): "what it names is installed by the step before",
    ("docs/how-to/run-on-a-cloud.md", "chown neutron"): "it needs root and an account `neutron`",
    ("docs/how-to/deploy.md", "install -m 644 deploy/systemd/neutron-nsx.sys"): "it makes accounts, as root",
    ("docs/how-to/deploy.md", "runuser"): "it needs the account of the step before",
    ("docs/how-to/deploy.md", "install -m 644 deploy/systemd/neutron-nsx.service"): "it needs a systemd",
    ("docs/how-to/deploy.md", "journalctl"): "it needs a journal of systemd",
    ("docs/how-to/deploy.md", "podman"): "it needs podman and a registry of images",
    ("docs/how-to/rotate-secrets.md", "install"): "an editor waits for a person",
    ("docs/how-to/alerts.md", "cp deploy"): "it writes into a Prometheus that runs",
    ("docs/how-to/alerts.md", "python deploy/grafana"): "it writes into the checkout",
    ("docs/how-to/alerts.md", "promtool test"): "the tests of deploy/ do that",
    ("docs/how-to/watch.md", "ssh"): "it needs another machine",
    ("docs/how-to/upgrade.md", "python3 -m venv"): "it installs from a package index, as root",
    ("docs/how-to/upgrade.md", "ln -sfn"): "it takes back what the step before has installed",
}
SKIPPED = {"make demo", "make test"}  # in stories, for the same reason

NOT_TYPED = {  # the same for single commands of the runbooks
    "neutron-nsx sync once $CONF": "where it is told no daemon can run; the other pages have it",
}

BLOCKS = [block for block in blocks() if block.page not in STORIES and RUNBOOKS not in block.page]


def why_not(block: Block) -> str:
    first = block.commands[0].typed
    return next(
        (why for (page, start), why in NOT_RUN.items() if block.page == page and first.startswith(start)), ""
    )


def test_every_block_is_run_or_has_its_reason():
    """A set-up that exists, or a line in the table; and no line of the table is for nothing."""
    undecided = [str(block) for block in BLOCKS if bool(why_not(block)) == (block.setup in SETUPS)]
    reasons = {why_not(block) for block in BLOCKS}

    assert undecided == []
    assert set(NOT_RUN.values()) <= reasons


@pytest.mark.parametrize("block", [block for block in BLOCKS if not why_not(block)], ids=str)
def test_an_example_works(block, site, tmp_path):
    """Each command ends well, in the set-up that the page names."""
    with Terminal(tmp_path, BIN, cloud(site, tmp_path)) as terminal:
        SETUPS[block.setup](block, terminal)


def test_what_runbooks_tell_to_type_works(site, tmp_path):
    """Beside a daemon, each command once, whichever runbooks have it."""
    typed = {command.typed for block in blocks() if RUNBOOKS in block.page for command in block.commands}
    commands = [Command(each, []) for each in sorted(typed - NOT_TYPED.keys())]
    with Terminal(tmp_path, BIN, cloud(site, tmp_path)) as terminal:
        terminal.run(
            'CONF="--config-file /etc/neutron/neutron.conf --config-file /etc/neutron/networking-nsx.conf"'
        )
        run_beside_a_daemon(Block(RUNBOOKS, "daemon", commands), terminal)

    assert typed >= NOT_TYPED.keys()


def cloud(site, folder: Path) -> dict[str, str]:
    """Neutron's configuration and ours where the pages have them, and no daemon to stop or start."""
    files = folder / "etc"
    files.mkdir()
    shutil.copyfile(site.config, files / "neutron.conf")
    listen = free_ports(1)
    (files / "networking-nsx.conf").write_text(
        f"[nsx_sync]\ncontrol_socket = {folder}/socket\nlisten = 127.0.0.1:{listen}\nstate_path = {folder}\n"
    )
    (files / "networking-nsx-secrets.conf").write_text("[nsx]\npassword = admin\n")
    for name in ("systemctl", "journalctl"):  # nothing here is a service of systemd
        (folder / name).write_text("#!/bin/sh\necho malformed, Nova, failed\n")
        (folder / name).chmod(0o755)
    inventory = requests.get(f"{site.control}/_sim/inventory?kind=network", timeout=60).text
    return {
        "systemctl": str(folder / "systemctl"),
        "journalctl": str(folder / "journalctl"),
        "127.0.0.1:9698": f"127.0.0.1:{listen}",
        "/etc/neutron": str(files),
        "/opt/networking-nsx.new/bin": str(BIN),
        " CONFIG": f" --config-file {files}/neutron.conf --config-file {files}/networking-nsx.conf",
        "NETWORK_ID": json.loads(inventory.splitlines()[0])["neutron_id"],
        "port ID": f"port {site.ports()[0]}",
    }


def run(block: Block, terminal: Terminal) -> None:
    for command in block.commands:
        check(command, *terminal.run(command.typed))


def check(command: Command, output: str, code: int) -> None:
    """Exit 0, or another code that is no failure, and the lines of the page in their order."""
    assert "Traceback" not in output, output
    codes = next((codes for start, codes in CODES.items() if start in command.typed), (0,))
    assert code in codes, f"{command.typed}: {code}: {output}"
    assert missing(command.printed, output) == [], output


def run_beside_a_daemon(block: Block, terminal: Terminal) -> None:
    folder = Path(terminal.words["/etc/neutron"])
    files = ("--config-file", f"{folder}/neutron.conf", "--config-file", f"{folder}/networking-nsx.conf")
    with process("sync", "run", *files):
        wait_for(lambda: is_ready(terminal.words["127.0.0.1:9698"]))
        run(block, terminal)


def is_ready(address: str) -> bool:
    try:
        return requests.get(f"http://{address}/readyz", timeout=30).ok
    except requests.ConnectionError:
        return False


def run_until_interrupted(block: Block, terminal: Terminal) -> None:
    """A daemon: it sweeps, and Ctrl-C ends it."""
    (command,) = block.commands
    terminal.type(command.typed)
    terminal.wait_for(lambda: any("sweep done" in line for line in terminal.said))
    terminal.interrupt()
    check(command, *terminal.ended())


SETUPS = {"cloud": run, "daemon": run_beside_a_daemon, "serves": run_until_interrupted}


class Reader:
    """Somebody who does what a tutorial says, from its first line to its last."""

    def __init__(self, opened: ExitStack, folder: Path, words: dict[str, str]) -> None:
        """`words`: what this reader has in the place of what the page says."""
        self._opened = opened
        self._checkout = folder / "checkout"
        self._checkout.mkdir()
        (self._checkout / ".venv").symlink_to(BIN.parent)
        self._words = words
        self._first = self._terminal()
        self._folder = folder / "first-sweep"

    def read(self, page: Path) -> None:
        for piece in pieces(page):
            if isinstance(piece, Block):
                self._follow(piece)
            else:
                name, text = piece
                (self._folder / self._first.filled(name)).write_text(self._first.filled(text))

    def _follow(self, block: Block) -> None:
        terminal = self._terminal() if block.setup == "another terminal" else self._first
        for command in block.commands:
            if command.typed in SKIPPED:
                continue
            if command.typed == "^C":
                terminal.interrupt()
                self._compare(command, *terminal.ended())
            elif command is block.commands[-1] and block.setup:
                self._leave_running(terminal, command)
            else:
                self._compare(command, *terminal.run(command.typed))

    def _leave_running(self, terminal: Terminal, command: Command) -> None:
        """It has said what the page says, and goes on."""
        terminal.type(command.typed)
        terminal.wait_for(lambda: not self._missing(command, "".join(terminal.said)))

    def _compare(self, command: Command, output: str, code: int) -> None:
        check(command._replace(printed=[]), output, code)
        assert self._missing(command, output) == [], output

    def _missing(self, command: Command, output: str) -> list[str]:
        return missing([self._first.filled(line) for line in command.printed], output)

    def _terminal(self) -> Terminal:
        return self._opened.enter_context(Terminal(self._checkout, BIN, self._words))


def test_the_tutorial_works_as_it_is_told(tmp_path):
    """Every command in its order, each file as it is shown; what is printed is what the page prints."""
    first = free_ports(7)
    ports = [8100, 8101, 8200, 8201, 8202, 8203, 9698]
    words = {str(port): str(first + number) for number, port in enumerate(ports)}
    with ExitStack() as opened:
        Reader(opened, tmp_path, words).read(ROOT / STORIES[0])


PORT = "2e9e7d46-d510-4d4a-a793-774d400fb809"  # of the page


def test_the_way_to_the_first_cloud_works_as_it_is_told(tmp_path):
    """A cloud as the page has it: three managers with TLS, one port down whose row is ACTIVE."""
    files = tmp_path / "etc"
    files.mkdir()
    database = f"sqlite:///{tmp_path}/neutron.sqlite"
    (files / "neutron.conf").write_text(
        f"[DEFAULT]\nnotify_nova_on_port_status_changes = false\n[database]\nconnection = {database}\n"
    )
    sizes = {"networks": 40, "ports": 2000, "routers": 4, "seed": 7}
    with (
        Simulator(api="policy", nodes=3, tls=True, ca_file=str(files / "nsx-ca.pem"), **sizes) as nsx,
        ExitStack() as opened,
    ):
        neutron = engine(database)
        opened.callback(neutron.dispose)
        schema.create(neutron)
        populate(neutron, [vars_of(item) for item in nsx.inventory()])
        with neutron.begin() as connection:
            connection.exec_driver_sql("UPDATE ports SET status = 'ACTIVE'")
        nsx.set_status("port", "down", [PORT])
        words = {f"https://10.0.0.{number}": url for number, url in enumerate(nsx.urls, 1)}
        words |= {"/etc/neutron": str(files), "/var/lib/neutron": str(tmp_path), "9698": str(free_ports(1))}
        Reader(opened, tmp_path, words).read(ROOT / STORIES[1])
