"""The report of a million submissions from a Parquet file, against the least that any program must do with it.

The yardstick is a fresh process that reads the same 44 rating columns and forms their 44 x 44 cross-product.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

from measuring import OUT, ROOT, Used, run, show

QUESTIONNAIRE = "pfs_customer"
CHUNK = 100_000

YARDSTICK = """
import sys
import numpy as np
import pyarrow.parquet as pq

names = [name for name in pq.read_schema(sys.argv[1]).names if name.endswith(("_E", "_P"))]
table = pq.read_table(sys.argv[1], columns=names, memory_map=True)
ratings = np.empty((len(names), table.num_rows))
for place, name in enumerate(names):
    ratings[place] = table.column(name).fill_null(0).to_numpy()
cross = ratings @ ratings.T
assert cross.shape == (44, 44) and cross.min() > 0
"""


def make(path: Path, n: int) -> None:
    """Simulate the file: drawn in portions, written by the product's own download."""
    sys.path.insert(0, str(ROOT))
    import numpy as np

    from surveys.authoring import load
    from surveys.coding import codebook
    from surveys.exchange.downloads import as_parquet
    from surveys.simulate import DEMO, simulate
    from surveys.store.read import Released

    questionnaire = load(QUESTIONNAIRE).variant()
    rng = np.random.default_rng(1)
    parts = [simulate(questionnaire, min(CHUNK, n - start), DEMO, rng) for start in range(0, n, CHUNK)]
    columns = ("closed", "unit", "channel", "language", "day")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
    released = Released(**joined, release=np.ones(n, np.int32))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(as_parquet(codebook(questionnaire), released, {"simulated": "true"}))


def middle(runs: list[Used]) -> Used:
    """The run of median wall time."""
    return sorted(runs, key=lambda used: used.wall)[len(runs) // 2]


def main() -> None:
    """Make the file unless it is there, measure in turn, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--make", action="store_true", help="only make the file")
    given = parser.parse_args()
    path = OUT / f"simulated-{given.n}.parquet"
    if given.make:
        return make(path, given.n)
    if not path.exists():
        run(__file__, "--make", "--n", str(given.n))
    analyse = ("-m", "app", "analyse", str(path), "--questionnaire", QUESTIONNAIRE, "--json", str(OUT / "report.json"))
    yard, ours = [], []
    for _ in range(given.repeat):  # in turn, so that whatever else the machine does falls on both
        yard.append(run("-c", YARDSTICK, str(path)))
        ours.append(run(*analyse))
    ratio = statistics.median(mine.wall / least.wall for mine, least in zip(ours, yard, strict=True))
    print(f"{given.n:,} submissions, {path.stat().st_size / 1e6:.0f} MB of Parquet, median of {given.repeat} runs")
    show(
        ("", "wall", "CPU", "peak"),
        ("read 44 columns, cross-product", *middle(yard).told()),
        ("analyse --json", *middle(ours).told()),
    )
    print(f"ratio of wall times {ratio:.1f} (goal: at most 5); peak {middle(ours).peak:.0f} MB (goal: below 1000)")


if __name__ == "__main__":
    main()
