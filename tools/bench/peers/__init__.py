"""Brokers and their clients, one file each; `tools.bench.registry` lists them."""
