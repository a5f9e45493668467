"""The registry: a folder of runs with an index by suite, model, adapter and branch of the repository.

    folder.py    `Registry`: add runs, find them, promote one to baseline
    entry.py     what the index says of a run, and whether the run is still the one that was added
    index.py     the index: a SQLite file that several processes may write to
    rows.py      runs and promotions as its rows
    checkout.py  which branch and commit are at hand
    named.py     `registry:BRANCH`, as it may stand in the place of a run
    drift.py     the newest baseline against the anchor

A baseline is promoted by a command, never by a verdict. The first run that is promoted for its suites, its model and a
branch is the *anchor* and stays it: later baselines may each lose less than the gate can see, and are watched against
it. Paths in the index are relative to the folder, which may be moved.
"""

from samescore.harness.registry.checkout import Checkout
from samescore.harness.registry.entry import Entry, Line, Promotion, State
from samescore.harness.registry.folder import Registry, registry_folder
from samescore.harness.registry.named import run_directory

__all__ = ["Checkout", "Entry", "Line", "Promotion", "Registry", "State", "registry_folder", "run_directory"]
