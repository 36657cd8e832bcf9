"""One training step: phases and what they minimize, draws, optimizers, the guard, the moving average."""
