"""samescore and Inspect, both ways.

`registry` is what Inspect finds through the entry-point group `inspect_ai`: the task `samescore/sop` with its solver
and scorers, and the models `samescore/...`. `exporting` and `importing` turn a run into an `.eval` log and back. Beside
this package only the policy of API models imports `inspect_ai`.
"""
