"""What the processor can do, measured with PyTorch: the rate of matrix products and of reading memory."""

import time

import torch

from protocol import serve

state = {}


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def prepare(request):
    torch.set_num_threads(request["threads"])
    return {"version": f"PyTorch {torch.__version__}"}


def matmul(request):
    """(m, k) · (k, n), float32, the weight as in a linear layer (n, k): the median rate over `seconds`, FLOP/s."""
    m, k, n = request["shape"]
    if state.get("shape") != request["shape"]:
        state.update(shape=request["shape"], x=torch.rand(m, k) - 0.5, w=torch.rand(n, k) - 0.5, y=torch.empty(m, n))
        torch.mm(state["x"], state["w"].t(), out=state["y"])
    return {"rate": 2 * m * k * n / median_seconds(lambda: torch.mm(state["x"], state["w"].t(), out=state["y"]), request)}


def read(request):
    """Reads `bytes` of memory with `way` (sum, max or matrix-vector product): the median rate, bytes/s."""
    rows = request["bytes"] // 4 // 4096
    if "array" not in state or state["array"].shape[0] != rows:
        state.update(array=torch.rand(rows, 4096), vector=torch.rand(4096))
    array, vector = state["array"], state["vector"]
    ways = {"sum": lambda: array.sum(), "max": lambda: array.max(), "mv": lambda: torch.mv(array, vector)}
    return {"rate": array.numel() * 4 / median_seconds(ways[request["way"]], request)}


def median_seconds(work, request):
    times, total = [], 0.0
    while total < request["seconds"] or len(times) < 3:
        times.append(timed(work))
        total += times[-1]
    return sorted(times)[len(times) // 2]


serve({"prepare": prepare, "matmul": matmul, "read": read})
