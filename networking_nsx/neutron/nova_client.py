"""The edge to Nova: Neutron's own `[nova]` section, novaclient, and what Nova's answers mean."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from keystoneauth1 import exceptions as keystone_exceptions
from keystoneauth1 import loading
from novaclient import api_versions
from novaclient import client as novaclient
from novaclient import exceptions as nova_exceptions
from oslo_config import cfg

from networking_nsx.errors import ConfigurationError
from networking_nsx.neutron.events import Event
from networking_nsx.neutron.nova import NovaNotifier, Silence, Unanswered
from networking_nsx.ports import Clock, Told

_SECTION = "nova"
_API_VERSION = "2.1"
_TIMEOUT = (
    30  # seconds for an answer, unless `[nova] timeout` says otherwise: the default would wait for ever
)
_BAD_REQUEST = 400

_LOG = logging.getLogger(__name__)

# Neutron's own options, named anew: importing them costs half a second. A test compares them.
_SWITCH = cfg.BoolOpt("notify_nova_on_port_status_changes", default=True)
_ENDPOINT = (
    cfg.StrOpt("region_name"),
    cfg.StrOpt("endpoint_type", default="public", choices=["public", "admin", "internal"]),
)


class Nova:
    """Nova's external events, as `nova.Compute`."""

    def __init__(self, client: novaclient.Client) -> None:
        self._client = client

    def tell(self, events: Sequence[Event]) -> list[int]:
        """Send events; answer one HTTP code for each. Raises Unanswered."""
        try:
            answer = self._client.server_external_events.create([_body(event) for event in events])
            return _codes(events, answer)
        except nova_exceptions.BadRequest:
            return self._halves(events)
        except keystone_exceptions.EndpointNotFound as error:
            self._client.client.session.invalidate()  # the catalog may have changed since
            raise Unanswered(str(error)) from error
        # 404 among them: an older Nova answers so when it takes no event at all, even if the instances only
        # have no host yet (its server_external_events.py). Today's names codes.
        except Exception as error:  # the thread outlives whatever the libraries raise
            raise Unanswered(f"{type(error).__name__}: {error}") from error

    def _halves(self, events: Sequence[Event]) -> list[int]:
        """Tell again what Nova refused as a whole: one wrong event suffices, and costs only itself."""
        if len(events) == 1:
            return [_BAD_REQUEST]
        middle = len(events) // 2
        return [*self.tell(events[:middle]), *self.tell(events[middle:])]


def options() -> dict[str, list[cfg.Opt]]:
    """Name Neutron's options that are read here, by section; the authentication plugin adds its own."""
    loaders = (loading.get_session_conf_options, loading.get_auth_common_conf_options)
    return {
        "DEFAULT": [_SWITCH],
        _SECTION: [*_ENDPOINT, *(option for load in loaders for option in load())],
    }


def notifier_from(conf: cfg.ConfigOpts, clock: Clock, told: Sequence[Told] = ()) -> NovaNotifier | Silence:
    """Make the notifier that Neutron's configuration asks for, to be started. Raises ConfigurationError."""
    _register(conf)
    if not conf.notify_nova_on_port_status_changes:
        return Silence()
    if not conf[_SECTION].auth_type and not conf[_SECTION].auth_section:
        _LOG.warning(
            "Nova is told nothing: [nova] auth_type is not set. Instances may wait for their ports in vain"
        )
        return Silence()
    return NovaNotifier(client_from(conf), clock, told)


def client_from(conf: cfg.ConfigOpts) -> Nova:
    """Make a client of `[nova]` as Neutron does (neutron.notifiers.nova). Connects at the first use.

    Raises ConfigurationError.
    """
    _register(conf)
    settings = conf[_SECTION]
    try:
        auth = loading.load_auth_from_conf_options(conf, _SECTION)
        session = loading.load_session_from_conf_options(
            conf, _SECTION, auth=auth, timeout=settings.timeout or _TIMEOUT
        )
    except (keystone_exceptions.ClientException, cfg.Error) as error:
        raise ConfigurationError(f"the credentials of section [nova] cannot be used: {error}") from error
    version = api_versions.APIVersion(_API_VERSION)
    client = novaclient.Client(
        version, session=session, region_name=settings.region_name, endpoint_type=settings.endpoint_type
    )
    return Nova(client)


def _register(conf: cfg.ConfigOpts) -> None:
    for section, some in options().items():
        conf.register_opts(some, group=None if section == "DEFAULT" else section)


def _body(event: Event) -> dict[str, str]:
    return {"name": event.name, "status": "completed", "server_uuid": event.server_id, "tag": event.port_id}


def _codes(events: Sequence[Event], answer: Sequence[Mapping[str, Any]]) -> list[int]:
    """Read a code for each event; one that Nova left out counts as not taken."""
    codes = {(each["server_uuid"], each["tag"]): each["code"] for each in answer}
    return [codes.get((event.server_id, event.port_id), 0) for event in events]
