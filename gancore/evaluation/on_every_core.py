"""A network without gradients on all cores of a CPU: each takes a share of the images, with one thread.

Several threads in one layer wait for one another at the end of each layer; shares only at the end of the network
(docs/performance.md). This is faster for a network as large as Inception, not for small ones.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from gancore.nn.kernels import plain


def on_every_core(network: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """network(images), [N, ...] to [N, ...], for a network that processes each image separately.

    On a GPU, and on a CPU with one thread, it is one call.
    """
    threads = torch.get_num_threads()
    if plain() or images.device.type != "cpu" or threads == 1:
        with torch.no_grad():
            return network(images)
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return torch.cat(list(pool.map(torch.no_grad()(network), images.chunk(threads))))
    finally:
        torch.set_num_threads(threads)  # the matrix library has one number for all threads
