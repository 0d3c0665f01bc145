"""What the engine publishes: what has changed, each turn, and tables whose periodic publication is asked for."""
