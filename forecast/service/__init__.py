"""Run plans by their schedules: due times, records of slots, the scheduler, and supervised processes."""
