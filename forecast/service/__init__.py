"""Calendar, slots, loop, supervised worker."""
