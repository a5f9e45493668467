"""What models are asked: procedures (`sop`), adversarial suites, and importers of public benchmarks."""
