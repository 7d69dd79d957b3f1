"""The examples of the documentation: what a page tells its reader to type, and what it says comes of it.

A block of commands is fenced as ```console. A comment in front of it, `<!-- example: NAME -->`, names the
set-up that it needs. Files that a page shows (its name, a colon, an ini block) are written as they are shown.
"""

import re
import shlex
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

from waiting import wait_for

ROOT = Path(__file__).resolve().parents[1]
_PAGES = (ROOT / "docs").rglob("*.md")
PAGES = [ROOT / "README.md", *sorted(page for page in _PAGES if "_build" not in page.parts)]

_BLOCK = re.compile(r"(?:^<!-- example: ([\w -]+) -->\n)?^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PIECE = re.compile(
    r"(?:^<!-- example: (?P<setup>[\w -]+) -->\n)?^```console\n(?P<block>.*?)^```$"
    r"|^`(?P<file>[\w./-]+)`[^`\n]*(?:\n[^`\n]+)*:\n\n```ini\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_END = "--- end of a command ---"
# What differs from one run to the next.
_VARIABLE = (
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(\+00:00)?( \d+)?"), "TIME"),
    (re.compile(r"\b\d+\.\d s\b"), "SOME s"),
    (re.compile(r"[-+]{5,}"), "+"),
    (re.compile(r"\s+"), " "),
)


class Command(NamedTuple):
    """What is typed, and the lines that follow it on the page."""

    typed: str
    printed: list[str]


class Block(NamedTuple):
    """Commands that belong together."""

    page: str
    setup: str
    commands: list[Command]

    def __str__(self) -> str:
        typed = self.commands[0].typed if self.commands else "nothing"
        return f"{self.page}: {typed.splitlines()[0][:60]}"


def blocks() -> Iterator[Block]:
    """Every block of commands in the documentation."""
    for page in PAGES:
        for setup, text in _BLOCK.findall(page.read_text()):
            yield Block(str(page.relative_to(ROOT)), setup, list(commands_of(text)))


def pieces(page: Path) -> Iterator[Block | tuple[str, str]]:
    """The blocks of a page, and the files that it shows, in their order."""
    for found in _PIECE.finditer(page.read_text()):
        if found["file"]:
            yield found["file"], found["text"]
        else:
            yield Block(str(page.relative_to(ROOT)), found["setup"] or "", list(commands_of(found["block"])))


def commands_of(text: str) -> Iterator[Command]:
    """Commands begin with $ or #, and end where the shell would let them end."""
    typed, printed = "", list[str]()
    for line in text.splitlines():
        if typed and (typed.endswith("\\") or typed.count('"') % 2):
            typed += f"\n{line}"
        elif re.match(r"[$#] |\^C", line):
            if typed:
                yield Command(typed, printed)
            typed, printed = (line[2:], []) if line[0] != "^" else ("^C", [line[2:]])
        else:
            printed.append(line)
    yield Command(typed, printed)


def plain(line: str) -> str:
    """A line without what differs from one run to the next."""
    for variable, name in _VARIABLE:
        line = variable.sub(name, line)
    return line.strip()


def missing(printed: list[str], output: str) -> list[str]:
    """The lines of the page that the output lacks, or has in another order. What `...` stands for is any."""
    lines = iter([plain(line) for line in output.splitlines()])
    wanted = [plain(line) for line in printed if line.strip() and line.strip() != "..."]
    return [line for line in wanted if not any(_fits(line, one) for one in lines)]


def _fits(wanted: str, line: str) -> bool:
    pattern = ".*".join(map(re.escape, wanted.split("...")))
    return re.fullmatch(pattern, line) is not None


@dataclass
class Terminal:
    """A shell, which keeps its folder and its variables from one command to the next."""

    folder: Path
    path: Path
    words: Mapping[str, str]
    """What a reader would put in the place of these."""
    said: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            command = ["setpriv", "--pdeathsig", "KILL", "bash", "--norc"]
            self._shell = opened.enter_context(
                subprocess.Popen(
                    command,
                    cwd=self.folder,
                    text=True,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )
            self._write(f"export PATH={shlex.quote(str(self.path))}:$PATH; trap : INT")
            self._reader = threading.Thread(target=self._read)
            self._reader.start()
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["pkill", "-TERM", "-P", str(self._shell.pid)], check=False)
        self._shell.kill()
        self._reader.join(60)
        self._opened.close()

    def type(self, command: str) -> None:
        """Type it, and wait for nothing."""
        self._typed = command
        self.said.clear()
        self._write(f"{self.filled(command)}\ncode=$?; echo; echo '{_END}' $code")

    def run(self, command: str) -> tuple[str, int]:
        """What it says, and its exit code."""
        self.type(command)
        return self.ended()

    def ended(self) -> tuple[str, int]:
        """What was said until the command has ended, and its exit code."""
        self.wait_for(lambda: any(line.startswith(_END) for line in self.said))
        code = int(next(line for line in self.said if line.startswith(_END)).removeprefix(_END))
        return "".join(line for line in self.said if not line.startswith(_END)), code

    def wait_for(self, condition: Callable[[], object]) -> None:
        try:
            wait_for(lambda: condition() or self._shell.poll() is not None)
        except AssertionError as error:
            raise AssertionError(f"{self._typed}: {''.join(self.said)}") from error
        assert self._shell.poll() is None, "".join(self.said)

    def interrupt(self) -> None:
        """Ctrl-C: everything in the foreground hears it; the shell goes on."""
        subprocess.run(["pkill", "-INT", "-P", str(self._shell.pid)], check=True)

    def filled(self, text: str) -> str:
        for word, value in self.words.items():
            text = text.replace(word, value)
        return text

    def _write(self, line: str) -> None:
        assert self._shell.stdin
        self._shell.stdin.write(f"{line}\n")
        self._shell.stdin.flush()

    def _read(self) -> None:
        assert self._shell.stdout
        for line in iter(self._shell.stdout.readline, ""):
            self.said.append(line)


def free_ports(count: int) -> int:
    """The first of so many free ports of this machine, one after the other."""
    while True:
        with ExitStack() as opened:
            first = opened.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            try:
                for port in range(first + 1, first + count):
                    opened.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            return int(first)
