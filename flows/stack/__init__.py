"""The local stack: `stack` starts and stops it; how its processes, its state and its Prefect are handled is beside it."""
