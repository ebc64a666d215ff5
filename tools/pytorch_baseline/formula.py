"""The numbers that the golden files' parameters and images are made of."""

import numpy as np
import torch

MASK = (1 << 64) - 1


def fnv1a(name):
    """FNV-1a, 64 bits, of a name's UTF-8 bytes."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 & MASK
    return value


def uniform(name, shape):
    """f32 in [0, 1), one per element in row-major order."""
    count = int(np.prod(shape, dtype=np.int64))
    z = np.arange(count, dtype=np.uint64)
    z += np.uint64((fnv1a(name) + 0x9E3779B97F4A7C15) & MASK)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return ((z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)).reshape(shape)


def parameter(name, shape):
    """One parameter of a network, by its full name and shape."""
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    u = uniform(name, shape)
    one, two = np.float32(1), np.float32(2)
    if len(shape) == 4:
        bound = np.float32(np.sqrt(6.0 / (shape[1] * shape[2] * shape[3])))
        value = (two * u - one) * bound
    elif name.endswith("running_var"):
        value = np.float32(0.75) + np.float32(0.5) * u
    elif name.endswith(".weight"):
        value = np.float32(0.6) + np.float32(0.2) * u
    else:
        value = np.float32(0.1) * (two * u - one)
    return torch.from_numpy(np.ascontiguousarray(value))


def state_dict(network):
    """All parameters of a network, by the formula."""
    return {
        name: parameter(name, tuple(value.shape)) for name, value in network.state_dict().items()
    }


def image(height, width):
    """A normalised image: [1, 3, height, width]."""
    u = uniform("image", (1, 3, height, width))
    return torch.from_numpy(np.float32(4) * u - np.float32(2))
