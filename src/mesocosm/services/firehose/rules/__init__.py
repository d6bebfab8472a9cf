"""What holds for streams whoever asks: pure functions."""
