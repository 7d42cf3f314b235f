"""What must be true of a table before anyone sees a number made from it."""
