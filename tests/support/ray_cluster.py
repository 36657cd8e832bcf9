"""A Ray cluster of two nodes on this machine, each a raylet with one CPU, and nodes that are lost."""

import atexit
import os
import random
import signal
from functools import cache
from typing import Any

STORE = 80 * 2**20
"""Bytes of a node's store for objects, which cells do not use; Ray takes no less."""


class RayCluster:
    def __init__(self) -> None:
        os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE}
        self._cluster: Any = Cluster(initialize_head=True, head_node_args=head)
        atexit.register(self._cluster.shutdown)
        self._nodes = [self._new_node() for _ in range(2)]

    @staticmethod
    @cache
    def shared() -> "RayCluster":
        """The cluster of this process, started when it is first needed."""
        return RayCluster()

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def lose_a_node(self, draw: random.Random) -> None:
        """Kills a raylet, and with it the cell that it runs; a new node takes its place."""
        lost = self._nodes.pop(draw.randrange(2))
        (raylet,) = lost.all_processes["raylet"]
        os.kill(raylet.process.pid, signal.SIGKILL)
        raylet.process.wait()  # a worker takes a raylet that nobody waited for to be alive
        self._cluster.remove_node(lost, allow_graceful=False)
        self._nodes.append(self._new_node())

    def _new_node(self) -> Any:
        return self._cluster.add_node(num_cpus=1, object_store_memory=STORE)
