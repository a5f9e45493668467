"""Pretraining of the embedded tiny model: a generated corpus, its tokenizer, the training run and its evaluation."""
