"""What holds for parameters whoever asks: pure functions."""
