"""What changed between two toolsets, and whether a model that knows the old one can go on calling the new one.

tools.py     tool by tool: removed, added, another effect, other words
schema.py    the schema of a value, keyword by keyword: is each value that was valid still valid?
variants.py  a schema as alternatives, each of one type
inlined.py   its references put in place
recorded.py  the tools of a run, as they stood when it began
"""

from samescore.harness.tool_diff.recorded import between_runs, recorded_toolsets
from samescore.harness.tool_diff.schema import SchemaChange, schema_changes
from samescore.harness.tool_diff.tools import ToolChange, tool_changes

__all__ = ["SchemaChange", "ToolChange", "between_runs", "recorded_toolsets", "schema_changes", "tool_changes"]
