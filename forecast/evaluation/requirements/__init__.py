"""The requirements of the science, each tested by a simulation experiment."""
