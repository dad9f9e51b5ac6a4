"""Two versions of results against one another: folders, or commits of which the results are read and nothing runs."""
