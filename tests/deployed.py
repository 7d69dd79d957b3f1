"""What `deploy/` ships, as tests read it."""

import re
from pathlib import Path

from networking_nsx.options import OPTIONS

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd" / "neutron-nsx.service"
EXAMPLE = DEPLOY / "networking-nsx.conf.example"
LOGROTATE = DEPLOY / "logrotate" / "neutron-nsx"
CONTAINERFILE = DEPLOY / "container" / "Containerfile"
KUBERNETES = DEPLOY / "container" / "kubernetes.yaml"


def unit() -> dict[str, list[str]]:
    """The settings of the unit, of all its sections."""
    settings: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.MULTILINE):
        settings.setdefault(name, []).append(value)
    return settings


def named_in(text: str) -> set[tuple[str, str]]:
    """Section and name of each option, those in comments included."""
    section, found = "", set()
    for line in text.splitlines():
        if header := re.match(r"\[(\w+)\]$", line):
            section = header[1]
        elif option := re.match(r"(?:# )?(\w+) = ", line):
            found.add((section, option[1]))
    return found


def unknown_in(text: str) -> set[tuple[str, str]]:
    """The options among them that do not exist; those of [DEFAULT] are oslo.log's."""
    known = {(section, option.name) for section, options in OPTIONS.items() for option in options}
    return {each for each in named_in(text) if each[0] != "DEFAULT"} - known


def instructions() -> list[list[tuple[str, str]]]:
    """Of the Containerfile, by stage: each word with what follows it."""
    text = re.sub(r"^#.*\n", "", CONTAINERFILE.read_text(), flags=re.MULTILINE)
    lines = [line.partition(" ") for line in re.sub(r"\\\n\s*", "", text).splitlines() if line]
    stages: list[list[tuple[str, str]]] = []
    for word, _, rest in lines:
        if word == "FROM":
            stages.append([])
        stages[-1].append((word, rest))
    return stages
