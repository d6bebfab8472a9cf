"""What holds for secrets whoever asks: pure functions."""
