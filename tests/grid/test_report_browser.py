"""The page in a browser: sorted and filtered as a person would. Skipped only where no Chromium is installed."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.made_up_grids import NINE, cell, made_up

from gancore.grid.report.write import write_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

FID = {
    ("original", "original"): 30.0, ("original", "skip"): 9.5, ("original", "residual"): 100.25,
    ("skip", "original"): 7.0, ("skip", "skip"): 8.0, ("skip", "residual"): 200.0,
    ("residual", "original"): 1.0, ("residual", "skip"): None, ("residual", "residual"): 12.0,
}  # fmt: skip
ORDER = list(FID)
BY_FID = sorted((at for at in ORDER if FID[at] is not None), key=lambda at: FID[at] or 0)
WITHOUT = [("residual", "skip")]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cells = {
        cell(*at): {"state": "done", "at": 10, "fid": [999, value]}
        if value is not None
        else {"state": "failed", "reason": "diverged <b>badly</b>"}
        for at, value in FID.items()
    }
    folder = made_up(tmp_path_factory.mktemp("grid"), NINE, cells)
    return write_report(folder, folder.path / "report") / "report.html"


SCENARIO = """
const told = {};
const press = (key) => document.querySelector(`#overview [data-key="${key}"] button`).click();
const enter = (name, value) => {
  const field = document.querySelector(`#filters [name="${name}"]`);
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
};
const settled = () => new Promise((resolve) => setTimeout(resolve, 50));
const go = async (address) => { location.hash = address; await settled(); };
const clear = async () => { document.querySelector("#filters [type=reset]").click(); await settled(); };
function tell(name) {
  const rows = Array.from(document.querySelectorAll("#overview tbody tr")).filter((row) => row.offsetParent !== null);
  told[name] = {
    rows: rows.map((row) => [row.cells[1].dataset.sort, row.cells[2].dataset.sort]),
    sorts: Object.fromEntries(
      Array.from(document.querySelectorAll("#overview [data-key]")).map((head) => [head.dataset.key, head.ariaSort])),
    shown: document.getElementById("shown").textContent,
    address: location.hash,
    open: Array.from(document.querySelectorAll("details.cell[open]")).map((cell) => cell.id),
  };
}
addEventListener("load", async () => {
  tell("at first");
  press("fid.final"); tell("ascending");
  press("fid.final"); tell("descending");
  enter("text", "DIVERGED badly"); tell("text");
  enter("text", "nothing of this kind"); tell("nothing");
  await clear(); enter("is.generator.use", "skip"); enter("is.state", "done"); tell("axes");
  await clear(); tell("cleared");
  await go("#sort=fid.final&order=descending&is.discriminator.use=original"); tell("address");
  await go("#sort=nothing&is.nothing=1"); tell("unknown keys");
  await go("#is.state=%ZZ"); tell("broken");
  await go("#%"); tell("broken link");
  await go("#cell-8"); tell("link");
  const pre = document.createElement("pre");
  pre.id = "told"; pre.textContent = JSON.stringify(told);
  document.body.append(pre);
});
"""


def dumped(page: Path, folder: Path, address: str = "") -> str:
    """The document as the browser has it in the end."""
    assert CHROMIUM is not None
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={folder}"]
    command = [CHROMIUM, *flags, "--virtual-time-budget=5000", "--dump-dom", f"{page.as_uri()}{address}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout


@pytest.fixture(scope="module")
def told(page: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What was to be seen after each step of the scenario. Its policy would keep this script from running."""
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    folder = tmp_path_factory.mktemp("browser")
    copy = folder / "page.html"
    copy.write_text(text.replace("</body>", f"<script>{{ {SCENARIO} }}</script></body>"), encoding="utf-8")
    found = re.search(r'<pre id="told">(.*?)</pre>', dumped(copy, folder / "user"), re.DOTALL)
    assert found is not None
    steps: dict[str, dict[str, Any]] = json.loads(html.unescape(found[1]))
    return {name: {**step, "rows": list(map(tuple, step["rows"]))} for name, step in steps.items()}


def test_at_first_the_order_is_that_of_the_grid(told: dict[str, Any]) -> None:
    assert told["at first"]["rows"] == ORDER
    assert told["at first"]["shown"] == "9 of 9 cells"


def test_numbers_sort_as_numbers_and_what_is_missing_comes_last(told: dict[str, Any]) -> None:
    assert told["ascending"]["rows"] == BY_FID + WITHOUT
    assert told["descending"]["rows"] == BY_FID[::-1] + WITHOUT


def test_sorting_is_told_to_those_who_do_not_see_it(told: dict[str, Any]) -> None:
    for order in ("ascending", "descending"):
        sorts = dict(told[order]["sorts"])
        assert sorts.pop("fid.final") == order
        assert set(sorts.values()) == {"none"}


def test_rows_are_filtered_by_text_and_by_axes(told: dict[str, Any]) -> None:
    assert told["text"]["rows"] == WITHOUT
    assert told["nothing"]["rows"] == []
    assert told["nothing"]["shown"] == "0 of 9 cells"
    assert told["axes"]["rows"] == [at for at in BY_FID[::-1] if at[0] == "skip"]  # the order stays
    assert told["axes"]["shown"] == "3 of 9 cells"
    assert told["cleared"]["rows"] == BY_FID[::-1] + WITHOUT


def test_the_address_holds_order_and_filters(told: dict[str, Any]) -> None:
    asked = "#is.generator.use=skip&is.state=done&sort=fid.final&order=descending"
    assert told["axes"]["address"] == asked
    assert told["address"]["rows"] == [at for at in BY_FID[::-1] if at[1] == "original"]


def test_an_address_that_means_nothing_does_no_harm(told: dict[str, Any]) -> None:
    assert told["unknown keys"]["rows"] == ORDER
    assert told["broken"]["shown"].endswith("of 9 cells")
    assert told["broken link"]["shown"].endswith("of 9 cells")


def test_a_link_to_a_cell_opens_it(told: dict[str, Any]) -> None:
    assert told["link"]["open"] == ["cell-8"]
    assert told["broken link"]["open"] == []


def test_the_page_s_policy_lets_its_own_script_run_and_no_other(page: Path, tmp_path: Path) -> None:
    planted = page.read_text(encoding="utf-8").replace("</body>", "<script>document.title = 'ran'</script></body>")
    (tmp_path / "planted.html").write_text(planted, encoding="utf-8")
    text = dumped(tmp_path / "planted.html", tmp_path / "user", "#is.generator.use=skip")
    assert "3 of 9 cells" in text
    assert "<title>ran" not in text
    assert "<b>badly</b>" not in text
