"""The best rates of this machine at the moment: float32 matrix products, and copying memory."""

import time

import numpy as np


def best_rate(work, amount: float, repeats: int = 5) -> float:
    """Return the amount per second of the fastest repeat."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return amount / min(times)


def sgemm_gigaflops(size: int = 3000) -> float:
    """Return the rate of a product of two square float32 matrices, all threads, in GFLOP/s."""
    matrix = np.random.default_rng(0).standard_normal((size, size), dtype=np.float32)
    return best_rate(lambda: matrix @ matrix, 2 * size**3) / 1e9


def copy_gigabytes(size: int = 400_000_000) -> float:
    """Return the rate of copying memory, one thread, in GB/s."""
    source = np.zeros(size, dtype=np.uint8)
    target = np.empty_like(source)
    return best_rate(lambda: np.copyto(target, source), size) / 1e9
