"""`neutron-nsx simulator`: an NSX in memory, served over real HTTP."""

import argparse
import math

from cliff.command import Command

from networking_nsx.cli.arguments import count
from networking_nsx.errors import ConfigurationError

_LAST_PORT = 65535
_DELAYS = {
    "realization-delay": "Policy: seconds until a direct read shows a status (default: 0)",
    "runtime-delay": "Policy: seconds more until a direct read shows that of a port (default: 0)",
    "index-delay": "Policy: seconds more until search shows it (default: 0)",
}


class SimulatorCommand(Command):
    """Serve a simulated NSX until SIGTERM; print its base URLs as a JSON line when it is ready."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "--api",
            choices=["mh", "policy", "both"],
            default="mh",
            help="the API that it speaks; both: on the same ports (default: mh)",
        )
        parser.add_argument(
            "--listen",
            metavar="HOST:PORT",
            default="127.0.0.1:0",
            help="of the first node; the other nodes follow, then the VIP; port 0: any free ports (default)",
        )
        parser.add_argument(
            "--allow-remote",
            action="store_true",
            help="listen beyond loopback; who reaches it controls it",
        )
        parser.add_argument("--nodes", type=count, default=1, help="managers (default: 1)")
        parser.add_argument("--tls", action="store_true", help="serve HTTPS, certified by a CA of its own")
        parser.add_argument("--ca-file", help="where to write the CA that clients need to trust")
        parser.add_argument(
            "--client-cert-file",
            help="Policy, with --tls: where to write a client's key and certificate",
        )
        parser.add_argument("--user", default="admin")
        parser.add_argument("--password", default="admin")
        parser.add_argument("--token", default="", help="Policy: a bearer token to accept (default: none)")
        parser.add_argument(
            "--cursor",
            choices=["keyed", "positional"],
            default="keyed",
            help="how pages are cut: by key, or by position, as a careless server would (default: keyed)",
        )
        for name, meaning in _DELAYS.items():
            parser.add_argument(f"--{name}", type=_seconds, default=0.0, metavar="S", help=meaning)
        for name in ("networks", "ports", "routers", "seed"):
            parser.add_argument(f"--{name}", type=count, default=0, metavar="N")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        host, port = _address(parsed_args.listen)
        try:  # here, not above: `--help` imports every command, and these packages are an extra
            from networking_nsx.simulator.process import run  # noqa: PLC0415
            from networking_nsx.simulator.settings import SimulatorSettings  # noqa: PLC0415
        except ImportError as error:
            raise ConfigurationError(
                "the simulator needs packages that are not installed: pip install 'networking-nsx[simulator]'"
            ) from error
        settings = SimulatorSettings(
            host=host,
            port=port,
            allow_remote=parsed_args.allow_remote,
            nodes=parsed_args.nodes,
            tls=parsed_args.tls,
            ca_file=parsed_args.ca_file,
            user=parsed_args.user,
            password=parsed_args.password,
            cursor=parsed_args.cursor,
            api=parsed_args.api,
            client_cert_file=parsed_args.client_cert_file,
            token=parsed_args.token,
            realization_delay=parsed_args.realization_delay,
            runtime_delay=parsed_args.runtime_delay,
            index_delay=parsed_args.index_delay,
            networks=parsed_args.networks,
            ports=parsed_args.ports,
            routers=parsed_args.routers,
            seed=parsed_args.seed,
        )
        run(settings)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > _LAST_PORT:
        raise ConfigurationError(f"--listen {text}: write it as HOST:PORT, with a port up to {_LAST_PORT}")
    return host.strip("[]"), int(port)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from error
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError("must not be negative or infinite")
    return number
