"""`neutron-nsx`: the sub-commands, and what every one of them does about errors and signals."""

import logging
import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import distribution, version

from cliff.app import App
from cliff.commandmanager import CommandManager

from networking_nsx.errors import Retryable
from networking_nsx.serve.plain import plain


class _OneLine(logging.Formatter):
    """An error as one line, which says where to look when NSX does not answer as it should."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - as logging calls it
        return plain(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        told = super().format(record)
        return (
            f"{told}; `neutron-nsx check` shows what is wrong" if isinstance(record.msg, Retryable) else told
        )


class _Commands(CommandManager):
    """Imports the module of the command that is asked for: cliff's own imports those of all."""

    def load_commands(self, namespace: str) -> None:
        self.group_list.append(namespace)
        for found in distribution("networking-nsx").entry_points.select(group=namespace):
            self.commands[found.name.replace("_", " ")] = found


class NeutronNsx(App):
    """Keeps the statuses of OpenStack Neutron true to VMware NSX."""

    LOG = logging.getLogger("neutron-nsx.error")  # where cliff reports what a command raised

    def __init__(self) -> None:
        super().__init__(
            description="Keeps the statuses of OpenStack Neutron true to VMware NSX.",
            version=version("networking-nsx"),
            command_manager=_Commands("networking_nsx.commands"),
            deferred_help=True,
        )
        # One plain line for a person, whatever log the configuration asks for.
        self.LOG.propagate = False
        plain = logging.StreamHandler(self.stderr)
        plain.setFormatter(_OneLine("neutron-nsx: %(message)s"))
        self.LOG.handlers[:] = [plain]


# futurist, which Neutron's libraries import, imports eventlet when it is installed. Nothing here uses it.
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
for library in ("alembic", "oslo_service"):  # they log what they find when they are imported
    logging.getLogger(library).setLevel(logging.WARNING)


def main(arguments: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if arguments is None else arguments)
    result: int = NeutronNsx().run(words or ["--help"])  # cliff would open a shell
    return result


if __name__ == "__main__":
    sys.exit(main())
