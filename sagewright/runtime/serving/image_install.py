"""A build backend (PEP 517) in the artifact's own code folder, so that an endpoint can start without a network.

The image runs `pip install .` on a copy of that folder before it serves (sagemaker_containers/_modules.py), and pip
would fetch setuptools for it. A backend inside the folder needs nothing. Only the program is installed: it finds the
packages in the artifact.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path

PROJECT_FILE = """\
[build-system]
requires = []
build-backend = "image_install"
backend-path = ["."]
"""

_NAME = "inference-1.0.0"
_FILES = {
    "METADATA": "Metadata-Version: 2.1\nName: inference\nVersion: 1.0.0\n",
    "WHEEL": "Wheel-Version: 1.0\nGenerator: sagewright\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}


def build_wheel(
    wheel_directory: str,
    config_settings: Mapping[str, str] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Write a wheel that holds inference.py, and return its file name. pip runs this in the folder."""
    del config_settings, metadata_directory
    name = f"{_NAME}-py3-none-any.whl"
    contents = {"inference.py": Path("inference.py").read_text(encoding="utf-8")}
    contents |= {f"{_NAME}.dist-info/{file}": text for file, text in _FILES.items()}
    record = f"{_NAME}.dist-info/RECORD"
    contents[record] = "".join(f"{path},,\n" for path in [*contents, record])
    with zipfile.ZipFile(Path(wheel_directory) / name, "w") as wheel:
        for path, text in contents.items():
            wheel.writestr(path, text)
    return name
