"""The commands of the runbooks are commands: each is given to a daemon that runs."""

import re
import shlex

from prometheus import DEPLOY
from scenes import Trouble

RUNBOOKS = DEPLOY.parent / "docs" / "how-to" / "runbooks"
USAGE = 2  # the exit code of wrong usage
COMMANDS = sorted(
    {
        command
        for page in RUNBOOKS.glob("*.md")
        for command in re.findall(r"^\$ neutron-nsx (.+)$", page.read_text(), re.MULTILINE)
    }
)


def test_every_command_of_a_runbook_is_one(stage):
    """Its words are understood, whatever it finds; what it needs to know is in the configuration."""
    with stage.playing({"well": Trouble(print, set())}) as scenes:
        site, port = scenes["well"].site, scenes["well"].nsx.inventory("port")[0].neutron_id
        done = {
            command: site.command(*_words(command, port, str(site.config))).returncode for command in COMMANDS
        }

    assert [command for command, code in done.items() if code == USAGE] == []
    assert done["sync status $CONF"] == done["sync release --kind port $CONF"] == 0


def _words(command: str, port: str, configuration: str) -> list[str]:
    """What a shell makes of it."""
    text = command.replace("$CONF", f"--config-file {shlex.quote(configuration)}").replace(
        " ID ", f" {port} "
    )
    return shlex.split(text)
