# SPDX-License-Identifier: Apache-2.0
"""What digit_identification.py asks of TensorFlow 1: a graph of one matrix product, whose weights lie beside the
.meta file. It computes from the pixels, so other pixels give other answers."""
import numpy as np


class _Tensor:
    def __init__(self, name):
        self.name = name

    def eval(self, feed_dict, session):  # noqa: A003
        [(fed, pixels)] = feed_dict.items()
        assert fed.name == "network/X:0" and self.name == "network/output/MatMul:0"
        return pixels.astype(float) @ session.weights


class _Graph:
    def get_tensor_by_name(self, name):
        return _Tensor(name)


class Session:
    graph = _Graph()
    weights = None


class _Saver:
    def restore(self, session, path):
        session.weights = np.load(path + ".npy")


class _Train:
    @staticmethod
    def import_meta_graph(path):
        open(path).close()  # it must be there
        return _Saver()


train = _Train()


def reset_default_graph():
    pass
