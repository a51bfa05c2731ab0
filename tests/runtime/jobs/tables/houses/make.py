"""A small CSV table with a number to predict, in Windows line ends, without a last one."""

import sys
from pathlib import Path

import numpy as np

ROWS = 150

generator = np.random.default_rng(3)
lines = ["id,area,floor,lift,price,street"]
for row in range(ROWS):
    area = generator.uniform(20, 200)
    price = "" if row == 10 else f"{area * 3.5 - 40 + generator.normal(0, 5):.4f}"
    floor = "" if row % 9 == 0 else str(row % 6 - 1)
    lines.append(f"{1000 - row},{area!r},{floor},{['True', 'False'][row % 2]},{price},{'Ünter' if row % 2 else ''}")
target = Path(sys.argv[1])
target.mkdir()
(target / "houses.csv").write_bytes("\r\n".join(lines).encode())
