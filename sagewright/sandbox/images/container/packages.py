"""Why: a program that imports what only this machine has would run here and fail in AWS.

Inside a container, top-level modules of the site-packages folder are importable only if a distribution of the image
(or something that it requires) brings them. Standard library and the program's own files are not touched.
"""

import importlib.machinery
import importlib.metadata
import re
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

_PACKAGES = ("site-packages", "dist-packages")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class ImagePackages:
    """Python's own search of `sys.path`, without the packages that the image does not hold."""

    def __init__(self, distributions: Iterable[str]) -> None:
        self._held = _modules(distributions)
        self._site = tuple({sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *_packages()})

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the module's specification; a top-level module that the image lacks is not found."""
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or path is not None or fullname in self._held:
            return spec
        places = [spec.origin, *(spec.submodule_search_locations or ())]
        return None if any(place and place.startswith(self._site) for place in places) else spec

    def find_distributions(
        self, context: importlib.metadata.DistributionFinder.Context | None = None
    ) -> Iterable[importlib.metadata.Distribution]:
        """Find distributions for `importlib.metadata`, which asks the finders of modules."""
        return importlib.metadata.MetadataPathFinder.find_distributions(
            context or importlib.metadata.DistributionFinder.Context()
        )

    def invalidate_caches(self) -> None:
        """Forget what folders held, as `importlib.invalidate_caches` asks of every finder."""
        importlib.machinery.PathFinder.invalidate_caches()


def hide_what_the_image_lacks(distributions: Iterable[str]) -> None:
    """From here on, import only from the standard library, the image's packages and the program's own folders."""
    kept = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), sysconfig.get_path("purelib"))
    # What remains are the sandbox's own folder and those that .pth files of this machine add.
    kept += tuple(_packages())
    sys.path[:] = [entry for entry in sys.path if entry.startswith(kept) or entry.endswith(".zip")]
    place = sys.meta_path.index(importlib.machinery.PathFinder)
    sys.meta_path[place] = ImagePackages(distributions)


def _packages() -> list[str]:
    """Return the folders of packages, of which an environment that stands on another one has several."""
    return [entry for entry in sys.path if Path(entry).name in _PACKAGES]


def _modules(roots: Iterable[str]) -> set[str]:
    """Return the top-level modules of the distributions and of all that they require, where installed."""
    modules: set[str] = set()
    seen: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # the image's tools that a program hardly imports need not be on this machine
        modules |= _top_level(distribution)
        needed = [line for line in distribution.requires or () if "extra ==" not in line]
        waiting += [match[0] for line in needed if (match := _REQUIREMENT.match(line))]
    return modules


def _top_level(distribution: importlib.metadata.Distribution) -> set[str]:
    listed = distribution.read_text("top_level.txt")
    if listed:
        return set(listed.split())
    firsts = {file.parts[0] for file in distribution.files or () if file.suffix in {".py", ".so", ".pyd"}}
    return {first.partition(".")[0] for first in firsts}
