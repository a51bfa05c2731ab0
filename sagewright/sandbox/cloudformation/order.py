"""Why: a resource waits for what it refers to and for nothing else; what is independent runs side by side."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from .provisioning import Failure

WORKERS = 8


def run(dependencies: Mapping[str, set[str]], work: Callable[[str], None], *, keep_going: bool = False) -> list[str]:
    """Work on every node after those it depends on, and return the nodes that failed, the first failure first.

    After a failure nothing new starts, or with `keep_going` nothing that depends on what failed.
    """
    waiting = {node: set(needed) & dependencies.keys() for node, needed in dependencies.items()}
    failed: list[str] = []
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(WORKERS, "stack") as pool:
        while True:
            if keep_going or not failed:
                for node in [node for node, needed in waiting.items() if not needed]:
                    del waiting[node]
                    running[pool.submit(work, node)] = node
            if not running:
                return failed
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                node = running.pop(future)
                if isinstance(fault := future.exception(), Failure):
                    failed.append(node)
                elif fault is not None:
                    raise fault
                else:
                    for needed in waiting.values():
                        needed.discard(node)


def turned(dependencies: Mapping[str, set[str]], nodes: Iterable[str]) -> dict[str, set[str]]:
    """Return the order of removal: each of the nodes after those that depend on it."""
    kept = set(nodes)
    return {node: {other for other in kept if node in dependencies.get(other, ())} for node in kept}
