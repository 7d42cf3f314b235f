"""What starts a run outside the schedules."""
