"""Plans and how they are carried out: jobs, processes, clusters."""
