"""The site in a real browser, from its file path: it sorts, filters, fits every screen, works by keyboard and in the
dark, asks for nothing and complains of nothing.

Needs Debian's `chromium` and `chromium-driver`, or their like, and selenium.
"""

import shutil
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
if CHROMIUM is None or DRIVER is None:
    pytest.skip("no Chromium with its driver: apt-get install chromium chromium-driver", allow_module_level=True)
webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.expected_conditions import url_contains  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)
HOME = "board@1/fixed"
KINDS = {  # one page of each kind
    "index": "index.html",
    "task": f"{HOME}/tasks/repeat-previous.html",
    "unranked task": f"{HOME}/tasks/higher-lower.html",
    "entry": f"{HOME}/entries/ppo/gru.html",
    "hostile entry": f"{HOME}/entries/ppo/mine.html",
    "incomplete entry": f"{HOME}/entries/a2c/mamba2.html",
    "comparisons": f"{HOME}/compare/index.html",
    "comparison": f"{HOME}/compare/ppo/gru/ppo/mine.html",
}
# The least contrast of any text with what lies behind it, by WCAG 2, and the words of it.
CONTRAST = """
const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
const rgba = (css) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = css;
  canvas.fillRect(0, 0, 1, 1);
  const data = canvas.getImageData(0, 0, 1, 1).data;
  return [...data.slice(0, 3), data[3] / 255];
};
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const behind = (element) => {
  for (let one = element; one; one = one.parentElement) {
    const colour = rgba(getComputedStyle(one).backgroundColor);
    if (colour[3] > 0.99) return colour;
  }
  return [255, 255, 255, 1];
};
let least = [99, ""];
for (const element of document.querySelectorAll("body *")) {
  const words = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join("");
  if (!words || !element.checkVisibility?.()) continue;
  const style = getComputedStyle(element);
  const a = light(rgba(element instanceof SVGElement ? style.fill : style.color)), b = light(behind(element));
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < least[0]) least = [contrast, words];
}
return least;
"""


class Browser:
    """One session, at whatever size and in whatever colours a test asks for."""

    def __init__(self, driver, site: Path):
        self.driver, self.site = driver, site

    def open(self, page: str, width: int = 1280, dark: bool = False, scripts: bool = True) -> None:
        """Opens a page of the site, afresh."""
        mobile = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", mobile)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not scripts})
        self.driver.get((self.site / page).as_uri())

    def run(self, script: str, *arguments):
        return self.driver.execute_script(script, *arguments)

    def one(self, selector: str):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def column(self, table: str, index: int, group: int = 0) -> list[str]:
        """The first lines of the visible cells of a column, in one group of rows."""
        script = """
        return [...document.getElementById(arguments[0]).tBodies[arguments[2]].rows]
          .filter((row) => !row.hidden && !row.classList.contains("group"))
          .map((row) => row.cells[arguments[1]].innerText.trim().split("\\n")[0].split(" ")[0])"""
        return self.run(script, table, index, group)


@pytest.fixture(scope="module")
def browser(site, tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield Browser(driver, site)
    driver.quit()


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_fits_reads_well_and_is_quiet(browser, kind):
    browser.driver.get_log("browser")
    for width in (360, 768, 1280):
        for dark in (False, True):
            browser.open(KINDS[kind], width, dark)
            inner, outer = browser.run("const e = document.documentElement; return [e.scrollWidth, e.clientWidth]")
            assert inner <= outer <= width
            contrast, words = browser.run(CONTRAST)
            assert contrast >= 4.5, words
    names = browser.run("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert all(name.startswith("file:") for name in names)
    assert browser.driver.get_log("browser") == []


def test_tables_sort_within_their_groups(browser):
    browser.open("index.html")
    table = "board-1-fixed-ranking"
    above = browser.column(table, 1)
    assert above[0] == "ppo/gru" and "ppo/mine" not in above
    heads = browser.all(f"#{table} thead th")
    state = {head.text.strip(): head for head in heads}["State"]
    state.find_element(By.TAG_NAME, "button").click()
    sizes = [int(size.replace(",", "")) for size in browser.column(table, 9)]
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) > 2
    assert state.get_attribute("aria-sort") == "descending"
    assert [head.get_attribute("aria-sort") for head in heads].count(None) == len(heads) - 1
    state.find_element(By.TAG_NAME, "button").click()
    assert [int(size.replace(",", "")) for size in browser.column(table, 9)] == sizes[::-1]
    assert sorted(browser.column(table, 1)) == sorted(above)  # nobody left the group
    assert browser.column(table, 1, 1) == ["a2c/gru"]
    assert set(browser.column(table, 1, 2)) == {"ppo/mine", "ppo/lstm", "a2c/mamba2", "a2c/lru"}


def test_what_is_missing_sorts_last_either_way(browser):
    browser.open("index.html")
    table = "board-1-fixed-ranking"
    button = browser.all(f"#{table} thead th button")[10]  # FLOPs, which were not counted for one of them
    for _ in range(2):
        button.click()
        assert browser.column(table, 10)[-1] == "—" and "—" not in browser.column(table, 10)[:-1]


def test_filters_hide_rows_of_both_tables_and_keep_ranks(browser):
    browser.open("index.html")
    form = browser.one("[data-filters]")
    ranks = dict(zip(*(browser.column("board-1-fixed-ranking", i) for i in (1, 0)), strict=True))
    Select(form.find_element(By.NAME, "algorithm")).select_by_visible_text("ppo")
    form.find_element(By.NAME, "torso").send_keys("RU")
    assert browser.column("board-1-fixed-ranking", 1) == ["ppo/gru", "ppo/lru"]
    assert browser.column("board-1-fixed-ranking", 0) == [ranks["ppo/gru"], ranks["ppo/lru"]] == ["1", "2"]
    groups = browser.all("#board-1-fixed-ranking tr.group")
    assert [group.text for group in groups if group.is_displayed()] == ["ppo"]
    assert browser.column("board-1-fixed-families", 0) == ["ppo/gru", "ppo/lru"]
    assert form.find_element(By.TAG_NAME, "output").text == "2 of 11 shown; ranks are those of all"
    form.find_element(By.TAG_NAME, "button").click()
    assert len(browser.column("board-1-fixed-ranking", 1)) == len(ranks)
    Select(form.find_element(By.NAME, "device")).select_by_visible_text("NVIDIA H200")
    assert [browser.column("board-1-fixed-ranking", 1, group) for group in range(3)] == [[], ["a2c/gru"], []]


def test_families_are_columns_and_their_mean_is_that_of_the_ranking(browser):
    browser.open("index.html")
    table = "board-1-fixed-families"
    means = dict(zip(*(browser.column("board-1-fixed-ranking", i) for i in (1, 2)), strict=True))
    shown = dict(zip(browser.column(table, 0), browser.column(table, 4), strict=True))
    assert {name: shown[name] for name in means} == means
    assert shown["a2c/mamba2"] == "—"  # one of its families is missing
    browser.one("[data-families] input[value=RepeatPrevious]").click()
    heads = [head.text.split("\n")[0] for head in browser.all(f"#{table} thead th") if head.is_displayed()]
    assert heads == ["Entry", "Autoencode", "HigherLower*", "Mean of the families shown"]
    assert browser.column(table, 4) == browser.column(table, 2)
    now = dict(zip(browser.column(table, 0), browser.column(table, 4), strict=True))
    assert now["a2c/gru"] == ".88" and now["a2c/mamba2"] != "—"


def test_the_theme_follows_the_system_until_it_is_chosen(browser):
    def ground() -> str:
        return browser.run("return getComputedStyle(document.body).backgroundColor")

    browser.open("index.html", dark=True)
    dark = ground()
    browser.open("index.html")
    light = ground()
    toggle = browser.one("[data-theme-toggle]")
    assert dark != light and toggle.get_attribute("aria-pressed") == "false"
    toggle.click()
    assert ground() == dark and toggle.get_attribute("aria-pressed") == "true"
    browser.open(KINDS["entry"])
    assert ground() == dark  # kept from page to page
    browser.one("[data-theme-toggle]").click()
    browser.open(KINDS["entry"], dark=True)
    assert ground() == light
    browser.run("localStorage.clear()")


def test_the_keyboard_reaches_everything(browser):
    browser.open("index.html")
    body = browser.one("body")
    body.send_keys(Keys.TAB)
    focused = browser.driver.switch_to.active_element
    assert focused.get_attribute("class") == "skip" and focused.location["y"] >= 0
    focused.send_keys(Keys.ENTER)
    assert browser.run("return document.activeElement.id") == "content"
    before, button = browser.all("#board-1-fixed-ranking thead th button")[:2]
    before.send_keys(Keys.TAB)
    assert browser.driver.switch_to.active_element == button
    assert browser.run("return getComputedStyle(arguments[0]).outlineStyle", button) == "solid"
    button.send_keys(Keys.ENTER)
    names = browser.column("board-1-fixed-ranking", 1)
    assert names == sorted(names)
    unreachable = browser.run(
        "return [...document.querySelectorAll('a, button, input, select, summary')]"
        ".filter((one) => one.checkVisibility() && one.tabIndex < 0).length"
    )
    assert unreachable == 0


def test_controls_have_names(browser):
    browser.open("index.html")
    nameless = browser.run(
        "return [...document.querySelectorAll('input, select, button')]"
        ".filter((one) => !(one.labels?.length && one.labels[0].innerText.trim()) && !one.textContent.trim())"
        ".map((one) => one.outerHTML)"
    )
    assert nameless == []


def test_a_row_shows_its_curve(browser):
    browser.open(KINDS["task"])
    link = browser.one("tr[data-key='ppo/lru'] a")
    browser.run("arguments[0].focus()", link)
    lit = browser.run("return [...document.querySelectorAll('.chart .lit')].map((one) => one.dataset.key)")
    assert set(lit) == {"ppo/lru"}
    browser.run("arguments[0].blur()", link)
    assert browser.all(".chart .lit") == []


def test_two_entries_are_chosen_and_compared(browser):
    browser.open(KINDS["comparisons"])
    Select(browser.one("select[name=first]")).select_by_value("ppo/mamba2")
    Select(browser.one("select[name=second]")).select_by_value("a2c/gru")
    browser.one("[data-compare] button").click()
    WebDriverWait(browser.driver, 10).until(url_contains(f"{HOME}/compare/a2c/gru/ppo/mamba2.html"))
    assert browser.one("h1").text == "a2c/gru against ppo/mamba2"
    browser.one(".crumbs a").click()
    assert browser.driver.current_url.endswith("index.html#board-1-fixed")


def test_without_scripts_all_is_there_but_what_needs_them(browser):
    browser.open("index.html", scripts=False)
    try:
        rows = browser.all("#board-1-fixed-ranking tbody tr:not(.group)")
        assert len(rows) == 11 and all(row.is_displayed() for row in rows)
        assert not any(one.is_displayed() for one in browser.all(".needs-js, thead button"))
        assert "need JavaScript" in browser.one("footer").text
        browser.one("#board-1-fixed-ranking a").click()
        assert browser.one("h1").text.startswith("gru")
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
