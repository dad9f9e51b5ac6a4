"""What a suite may ask beyond who is best, one file a question: how far back, how far beyond, is memory needed."""
