"""What holds of queues and messages, without any world around it."""
