"""What every long-running process is to whoever runs it: its log, its metrics, its readiness and its signs of life."""
