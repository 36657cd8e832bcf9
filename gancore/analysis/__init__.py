"""What the tools around a trained generator share."""
