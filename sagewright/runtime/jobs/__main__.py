"""The code bundle's entry: `python3 <bundle>.zip <program> <arguments>`. In the bundle it is the top-level file.

Modules inside a zip can be imported, but the data scientist's package may open files beside its code, and the training
job copies code into the model. So the bundle is unpacked, and its code goes before any other of the same name.
"""

import logging
import sys
import tempfile
import zipfile
from pathlib import Path


def main() -> int:
    """Unpack the bundle and run the program that the first argument names."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s", force=True)
    with tempfile.TemporaryDirectory(prefix="bundle-") as folder:
        bundle = Path(__file__).parent
        with zipfile.ZipFile(bundle) as archive:
            archive.extractall(folder)
        sys.path.insert(0, folder)
        for name in [name for name in sys.modules if name.partition(".")[0] == "sagewright"]:
            del sys.modules[name]
        from sagewright.runtime.jobs.programs import run  # noqa: PLC0415 - it can be imported only now

        return run(sys.argv[1:], bundle)


if __name__ == "__main__":
    sys.exit(main())
