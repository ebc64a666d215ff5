"""What a figure was taken with."""

import platform
import resource

import numpy
import scipy
import torch


def describe():
    """Processor, threads and versions."""
    processor = platform.processor()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines = (line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
            processor = next(lines, processor)
    except OSError:
        pass
    return {
        "processor": processor,
        "isa": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
    }


def peak_memory():
    """The process's largest resident size so far, in bytes."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes * 1024
