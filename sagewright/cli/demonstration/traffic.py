"""Requests without a pause, while a version comes and goes: what every client would see of it."""

import threading
from typing import Self

from botocore.exceptions import BotoCoreError, ClientError

from sagewright.cli.asking import Endpoint, Request

_PAUSE_S = 0.03
_CLIENTS = 2


class Traffic:
    """Clients that send one and the same row again and again, and never try again what failed."""

    def __init__(self, endpoint: Endpoint, row: dict[str, str]) -> None:
        self.answered = 0
        self.failures: list[str] = []
        self._endpoint, self._request = endpoint, Request.of_texts([row])
        self._done, self._counting = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(_CLIENTS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._done.is_set():
            try:
                self._endpoint.runtime.invoke_endpoint(
                    EndpointName=self._endpoint.name,
                    Body=self._request.body,
                    ContentType=self._request.content_type,
                )
                with self._counting:
                    self.answered += 1
            except (ClientError, BotoCoreError) as error:  # what a client sees is what is counted here
                with self._counting:
                    self.failures.append(str(error))
            self._done.wait(_PAUSE_S)
