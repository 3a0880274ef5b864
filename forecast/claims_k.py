"""Claims on alliance cohesion between war and peace: four factors, three ends of the war."""
