"""What axe-core finds: nothing serious, in both themes and with all panels open.

Skipped without axe-core; to run it: npm install --no-save axe-core@4.14.1
"""

import pytest

from tests.tiny_pipeline import ROOT

AXE = ROOT / "node_modules/axe-core/axe.min.js"
RUN = """async () => (await axe.run()).violations.filter((each) => ["serious", "critical"].includes(each.impact))
  .map((each) => `${each.id}: ${each.nodes.map((node) => node.html.slice(0, 100)).join("; ")}`)"""


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core: npm install --no-save axe-core@4.14.1")
@pytest.mark.parametrize("kind", ["explorer", "compared"])
def test_axe_finds_nothing_serious(kind, request):
    reader = request.getfixturevalue(kind)
    reader.page.evaluate(f"() => {{ {AXE.read_text(encoding='utf-8')} }}")
    reader.click("#more", "#show-names")
    for _ in range(2):
        reader.select(reader.ids[:1])
        assert reader.page.evaluate(RUN) == []
        reader.select(reader.ids[:30])
        reader.wait_for_table()
        assert reader.page.evaluate(RUN) == []
        reader.page.click("#theme")
