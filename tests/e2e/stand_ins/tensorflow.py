# SPDX-License-Identifier: Apache-2.0
"""As much of the old tensorflow as the digit script of the seed needs. The "graph" is one matrix product: a row of weights for each digit."""
import os

import numpy as np


class _Tensor:
    def __init__(self, graph, name):
        self.graph = graph
        self.name = name

    def eval(self, feed_dict, session):
        [(tensor, value)] = feed_dict.items()
        assert tensor.name == "network/X:0" and value.shape == (1, 784) and session.graph is self.graph
        return value.astype(float) @ self.graph.weights.T


class _Graph:
    weights = None

    def get_tensor_by_name(self, name):
        assert name in ("network/X:0", "network/output/MatMul:0")
        return _Tensor(self, name)


class Session:
    def __init__(self):
        self.graph = _Graph()


class _Saver:
    def restore(self, session, path):
        session.graph.weights = np.load(path + ".npy")


class train:
    @staticmethod
    def import_meta_graph(path):
        assert os.path.exists(path)
        return _Saver()


def reset_default_graph():
    pass
