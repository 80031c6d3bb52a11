"""Numbers by NumPy, from a layer of its own beside another."""

import importlib.metadata

import numpy as np
from fastapi import __version__ as fastapi_version


def handler(event, context):
    matrix = np.array(event["matrix"])
    return {
        "inverse": np.linalg.inv(matrix).round(3).tolist(),
        "mean": float(matrix.mean()),
        "version": importlib.metadata.version("fastapi") == fastapi_version,
        "from": np.__file__.partition("/python/")[2],
    }


def unserialisable(event, context):
    return {"mean": np.float32(1.5)}
