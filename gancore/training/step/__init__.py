"""One training step: phases and their losses, draws, optimizers, the guard, the moving average."""
