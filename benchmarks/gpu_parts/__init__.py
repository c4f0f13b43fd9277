"""The parts of benchmarks/gpu.py. Each runs in its own process and compares results on the device with the CPU's."""
