"""What happens when a scheduled run fails."""
