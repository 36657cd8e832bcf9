"""A network without gradients on all cores of a CPU: each takes a share of the images, with one thread.

Several threads in one layer wait for one another at the end of each; shares meet at the end of the network only
(docs/performance.md).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor


def on_every_core(network: Callable[..., Tensor], *images: Tensor) -> Tensor:
    """network(*images) [N, ...], for a network in which no image concerns another; several tensors are paired [N, ...].

    The number of threads is taken when it is called; a GPU gets everything at once.
    """
    threads = torch.get_num_threads()
    if images[0].device.type != "cpu" or threads == 1:
        with torch.no_grad():
            return network(*images)
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            shares = pool.map(torch.no_grad()(network), *(x.chunk(threads) for x in images))
            return torch.cat(list(shares))
    finally:
        torch.set_num_threads(threads)  # the matrix library has one number for all threads
