"""How much memory, disk and computing clusters of other sizes need: arithmetic with the constants of one shard."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

__all__ = ["ShardConstants", "estimate_sizes", "list_constants"]

SIZES = (10_000_000, 100_000_000, 1_000_000_000)  # pictures
SHARD = 5_000_000  # pictures of a shard
# Of a machine that holds shards; a quarter of its memory and half of its cores are for other things.
CORES, MEMORY_GB, DISK_GB = 16, 64, 4000
FREE_MEMORY, FREE_CORES = 0.75, 0.5
QUERIES_PER_S = 1.0


@dataclass(frozen=True, slots=True)
class ShardConstants:
    """What was measured. A query's work is taken to grow with the pictures, beside a constant part in each shard."""

    catalog_kb: float  # of a picture in PostgreSQL
    disk_kb: float  # of a picture in a shard
    codes_kb: float  # of a picture in a shard: they are read in each search, so they should be in memory
    process_mb: float  # of a shard's process without pictures
    query_s: float  # core-seconds of a query in a shard without pictures
    query_us_a_picture: float  # core-microseconds of a query

    @classmethod
    def fit(
        cls,
        n: int,
        catalog_kb: float,
        disk_bytes: int,
        codes_bytes: int,
        whole: Mapping[str, float],
        quarter: Mapping[str, float],
        peaks_mb: Mapping[int, float],
    ) -> "ShardConstants":
        """From shards with n and n / 4 pictures.

        whole, quarter: core-seconds of a query by its kind; the kind that takes most counts. peaks_mb: the memory of an
        actor by the number of shards.
        """
        most, least = max(whole.values()), max(quarter.values())
        slope = max(0.0, (most - least) / (n - n / 4))
        megabytes = max(0.0, (peaks_mb[1] - peaks_mb[4]) / (n - n / 4))
        return cls(
            catalog_kb,
            disk_bytes / n / 1000,
            codes_bytes / n / 1000,
            peaks_mb[1] - megabytes * n,
            max(0.0, most - slope * n),
            1e6 * slope,
        )


def list_constants(constants: ShardConstants) -> list[list[str]]:
    """Rows of a table."""
    return [
        ["catalog on PostgreSQL", f"{constants.catalog_kb:.1f} kB a picture"],
        ["disk of a shard", f"{constants.disk_kb:.1f} kB a picture"],
        ["codes, which should be in memory", f"{constants.codes_kb:.2f} kB a picture"],
        ["memory of a shard's process besides", f"{constants.process_mb:.0f} MB"],
        ["a query in a shard, whatever its size", f"{1000 * constants.query_s:.0f} core-ms"],
        ["a query, with the pictures", f"{constants.query_us_a_picture:.2f} core-µs a picture"],
    ]


def estimate_sizes(constants: ShardConstants) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a table of estimates."""
    header = ["pictures", "catalog", "shards", "disk of all shards", "memory of all shards", "core-seconds a query"]
    header += ["machines", "decided by", "growth of machines"]
    rows = []
    first = None
    for n in SIZES:
        n_shards = ceil(n / SHARD)
        disk_gb, memory_gb = (
            n * constants.disk_kb / 1e6,
            (n * constants.codes_kb + n_shards * constants.process_mb * 1e3) / 1e6,
        )
        core_s = n_shards * constants.query_s + n * constants.query_us_a_picture / 1e6
        needed = {
            "disk": disk_gb / DISK_GB,
            "memory": memory_gb / (FREE_MEMORY * MEMORY_GB),
            "cores": QUERIES_PER_S * core_s / (FREE_CORES * CORES),
        }
        reason = max(needed, key=lambda name: needed[name])
        n_machines = max(1, ceil(needed[reason]))
        first = first or n_machines
        cells = [f"{n / 1e6:,.0f} million", f"{n * constants.catalog_kb / 1e9:.2f} TB", f"{n_shards}"]
        cells += [f"{disk_gb / 1000:.2f} TB", f"{memory_gb:.0f} GB", f"{core_s:.1f}"]
        rows.append([*cells, f"{n_machines}", reason, f"{n_machines / first:.1f}x"])
    return header, rows
