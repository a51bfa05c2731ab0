import json
import threading
from typing import Any, Self


class Stream:
    """Requests without a pause from several clients that do not try again; leaving it waits for the last answers."""

    def __init__(self, serving: Any, bodies: tuple[str, ...] = ("1", "1", "1")) -> None:
        self.answers: list[str] = []
        """The models that answered, in order."""
        self.failures: list[str] = []
        self._serving = serving
        self._done = threading.Event()
        self._answered = threading.Condition()
        self._threads = [threading.Thread(target=self._ask, args=(body,)) for body in bodies]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def saw(self, model: str) -> None:
        """Block until the model has answered."""
        with self._answered:
            assert self._answered.wait_for(lambda: model in self.answers, 60), self.failures

    def _ask(self, body: str) -> None:
        client = self._serving.account.sandbox.client("sagemaker-runtime")
        while not self._done.is_set():
            try:
                answer = client.invoke_endpoint(EndpointName=self._serving.name, Body=body, ContentType="text/csv")
                model = json.loads(answer["Body"].read())["model"]
                with self._answered:
                    self.answers.append(model)
                    self._answered.notify_all()
            except Exception as error:  # noqa: BLE001 - any failure is what a test asks about
                self.failures.append(str(error))
            self._done.wait(0.01)
