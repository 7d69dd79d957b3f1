"""A plain HTTP client of the simulator's Policy API, for tests."""

from contextlib import contextmanager

import requests

CREATE = "/api/session/create"
LOGIN = {"j_username": "admin", "j_password": "admin"}
POLICY = "/policy/api/v1/infra"
SEARCH = "/api/v1/search/query"
POLICY_SEARCH = "/policy/api/v1/search/query"


class Client(requests.Session):
    """Asks one base URL; `get` and `post` take paths."""

    def __init__(self, base) -> None:
        super().__init__()
        self.base = base
        self.trust_env = False

    def request(self, method, url, **options):
        return super().request(method, self.base + url, **{"timeout": 10, **options})

    def login(self, **form):
        answer = self.post(CREATE, data={**LOGIN, **form})
        if answer.status_code == 200:
            self.headers["X-XSRF-TOKEN"] = answer.headers["X-XSRF-TOKEN"]
        return answer

    def json(self, path, **params):
        """The content of a successful answer."""
        answer = self.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def hits(self, query, path=SEARCH, **params):
        return self.json(path, query=query, **params)["results"]

    def every_hit(self, query, page_size, path=SEARCH, **params):
        """The hits of all pages, as NSX's clients walk them."""
        cursor, hits, total = "0", [], 1
        while int(cursor) < total:
            page = self.json(path, query=query, page_size=page_size, cursor=cursor, **params)
            hits += page["results"]
            cursor, total = page["cursor"], page["result_count"]
        return hits


@contextmanager
def logged_in(base):
    with Client(base) as client:
        client.login().raise_for_status()
        yield client


def code(answer):
    """The HTTP status and NSX's own error code."""
    return answer.status_code, answer.json()["error_code"]


def path_of(port):
    return f"{POLICY}/segments/{port.network_id}/ports/{port.neutron_id}"
