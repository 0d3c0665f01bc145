"""What is measured, one file an idea; `tools.bench.registry` lists them."""
