"""Projections of evidence for people: reads what a run recorded and draws nothing of its own."""
