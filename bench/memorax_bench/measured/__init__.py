"""What is measured once and shipped: bounds of tasks, torsos of one size."""
