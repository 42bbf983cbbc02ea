"""One JSON-RPC provider over several nodes: the next one answers when one does not, and none answers unchecked."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from web3 import HTTPProvider
from web3.providers.base import JSONBaseProvider
from web3.providers.rpc.utils import ExceptionRetryConfiguration
from web3.types import RPCEndpoint, RPCResponse

from trainer.errors import UnreachableError, UsageError

TIMEOUT = (3.05, 10.0)  # seconds to connect, seconds without a byte
RETRIES = 2
BACKOFF = 0.1  # seconds before the second attempt
LOOPBACK = {"127.0.0.1", "localhost", "::1"}

Ask = Callable[[str, list[Any]], Any]
Check = Callable[[Ask], None]  # raises WrongNetwork


class FailoverProvider(JSONBaseProvider):
    """Asks one node and, when it does not answer, the next. A node is trusted with a question only after the checks;
    again after each failure, since another chain may answer at the same address by then.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        super().__init__()
        if not urls:
            raise UsageError("no RPC address was given")
        self.urls = tuple(urls)
        self._nodes = [_open(url) for url in urls]
        self._trusted = [False] * len(urls)
        self.current = 0
        self.checks: list[Check] = []

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Answer of the first node that gives one. Raises UnreachableError when none does."""
        failures = []
        for _ in self._nodes:
            index = self.current
            try:
                return self._ask(index, method, params)
            except UnreachableError as error:
                failures.append(error)
                self.current = (index + 1) % len(self._nodes)
        raise UnreachableError("; ".join(map(str, failures))) from failures[0].__cause__

    def broadcast(self, method: RPCEndpoint, params: Any) -> list[RPCResponse]:
        """Answers of all nodes that give one. Raises UnreachableError when none does."""
        answers, failures = [], []
        for index in range(len(self._nodes)):
            try:
                answers.append(self._ask(index, method, params))
            except UnreachableError as error:
                failures.append(error)
        if not answers:
            raise UnreachableError("; ".join(map(str, failures))) from failures[0].__cause__
        return answers

    def _ask(self, index: int, method: RPCEndpoint, params: Any) -> RPCResponse:
        try:
            if not self._trusted[index]:
                for check in tuple(self.checks):
                    check(lambda name, values: _result(self._nodes[index].make_request(RPCEndpoint(name), values)))
                self._trusted[index] = True
            return self._nodes[index].make_request(method, params)
        except (requests.RequestException, json.JSONDecodeError, UnicodeDecodeError) as error:
            self._trusted[index] = False
            raise UnreachableError(
                f"the node at {hide_secrets(self.urls[index])} does not answer ({_reason(error)})"
            ) from error


def hide_secrets(url: str) -> str:
    """Scheme, host and port only: paths and user names of RPC addresses hold access keys."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def _open(url: str) -> HTTPProvider:
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise UsageError("an RPC address starts with http:// or https:// and names a host")
    session = requests.Session()
    # A proxy of the environment must not see, nor break, calls to this machine.
    session.trust_env = urlsplit(url).hostname not in LOOPBACK
    # web3's own list names the builtin ConnectionError, which requests never raises.
    retry = ExceptionRetryConfiguration(
        errors=[requests.ConnectionError, requests.Timeout], retries=RETRIES, backoff_factor=BACKOFF
    )
    return HTTPProvider(url, request_kwargs={"timeout": TIMEOUT}, session=session, exception_retry_configuration=retry)


def _result(response: RPCResponse) -> Any:
    if response.get("error") or response.get("result") is None:
        raise requests.RequestException(f"answered {response.get('error')}")
    return response["result"]


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "timed out"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return str(error) if type(error) is requests.RequestException else "no JSON"
