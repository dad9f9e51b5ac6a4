/* Sorting, filters, the theme, and the curve of the row one points at. Every page is complete without it. */
"use strict";

document.documentElement.classList.add("js");
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  /* No storage, as for some files: the system's colours. */
}

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

function isDark() {
  return (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
}

function startTheme(button) {
  const show = () => button.setAttribute("aria-pressed", String(isDark()));
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("theme", theme);
    } catch {
      /* It lasts as long as the page. */
    }
    show();
  });
  show();
}

/* What a row is sorted by in a column: a number, a text, or nothing, which comes last. */
function orderOf(row, index) {
  const text = row.cells[index]?.dataset.order;
  if (text === undefined || text === "") return null;
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

function sortBody(body, index, descending) {
  const rows = [...body.rows].filter((row) => !row.classList.contains("group"));
  const keyed = rows.map((row, place) => ({ row, place, order: orderOf(row, index) }));
  keyed.sort((a, b) => {
    if (a.order === null || b.order === null) return (a.order === null) - (b.order === null) || a.place - b.place;
    return (descending ? compare(b.order, a.order) : compare(a.order, b.order)) || a.place - b.place;
  });
  body.append(...keyed.map((one) => one.row));
}

function startSorting(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, index) => {
    if (head.dataset.key === "unsorted") return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const known = head.getAttribute("aria-sort");
      const first = head.classList.contains("number") && !head.dataset.up ? "descending" : "ascending";
      const next = known ? (known === "ascending" ? "descending" : "ascending") : first;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", next);
      [...table.tBodies].forEach((body) => sortBody(body, index, next === "descending"));
    });
  });
}

/* Rows of both tables of a section that the form does not want are hidden; ranks stay those of everybody. */
function startFilters(form) {
  const section = document.getElementById(form.dataset.filters);
  const tables = all("table[data-sortable]", section);
  const apply = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const torso = (wanted.torso || "").trim().toLowerCase();
    const fits = (row) =>
      ["algorithm", "device"].every((name) => !wanted[name] || row.dataset[name] === wanted[name]) &&
      (row.dataset.torso || "").includes(torso);
    const rows = tables.flatMap((table) => all("tr[data-torso]", table));
    rows.forEach((row) => (row.hidden = !fits(row)));
    all("tr.group", section).forEach((group) => {
      group.hidden = ![...group.parentElement.rows].some((row) => row !== group && !row.hidden);
    });
    const mine = all("tr[data-torso]", tables[0]);
    const shown = mine.filter((row) => !row.hidden).length;
    form.querySelector("output").value = shown === mine.length ? "" : `${shown} of ${mine.length} shown; ranks are those of all`;
  };
  ["input", "change"].forEach((kind) => form.addEventListener(kind, apply));
  form.querySelector("button").addEventListener("click", () => {
    form.reset();
    apply();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
}

/* Columns of families that are not chosen are hidden; the last column is the mean of the others, as the ranking takes it. */
function startFamilies(fieldset) {
  const table = document.getElementById(`${fieldset.dataset.families}-families`);
  const heads = [...table.tHead.rows[0].cells];
  const boxes = all("input", fieldset);
  const last = heads.findIndex((head) => head.dataset.key === "shown-mean");
  const apply = () => {
    const chosen = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const columns = heads.map((head, index) => index).filter((index) => boxes.some((box) => box.value === heads[index].dataset.key));
    const shown = columns.filter((index) => chosen.has(heads[index].dataset.key));
    for (const row of [table.tHead.rows[0], ...all("tr[data-torso]", table)]) {
      columns.forEach((index) => (row.cells[index].hidden = !shown.includes(index)));
    }
    for (const row of all("tr[data-torso]", table)) {
      const scores = shown.map((index) => orderOf(row, index));
      const known = scores.length > 0 && scores.every((score) => typeof score === "number");
      const mean = known ? scores.reduce((sum, score) => sum + score, 0) / scores.length : null;
      row.cells[last].dataset.order = known ? String(mean) : "";
      row.cells[last].textContent = known ? written(mean) : "—";
    }
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[last].setAttribute("aria-sort", "descending");
    [...table.tBodies].forEach((body) => sortBody(body, last, true));
  };
  fieldset.addEventListener("change", apply);
  apply();
}

/* As everywhere: two decimals, no zero before the point. */
function written(value) {
  const text = Math.abs(value).toFixed(2);
  const short = Number(text) === 0 ? ".00" : Number.isInteger(Number(text)) ? Number(text).toFixed(1) : text.replace(/^0/, "");
  return (value < 0 && Number(text) !== 0 ? "−" : "") + short;
}

function startHighlights(chart) {
  const rows = all("tr[data-key]");
  const light = (key) => {
    chart.classList.toggle("dimmed", key !== null);
    all("[data-key]", chart).forEach((line) => line.classList.toggle("lit", line.dataset.key === key));
  };
  rows.forEach((row) => {
    const key = row.dataset.key;
    row.addEventListener("pointerenter", () => light(key));
    row.addEventListener("pointerleave", () => light(null));
    row.addEventListener("focusin", () => light(key));
    row.addEventListener("focusout", () => light(null));
  });
  all("[data-key]", chart).forEach((line) => {
    const lit = (on) => () => {
      light(on ? line.dataset.key : null);
      rows.forEach((row) => row.classList.toggle("lit", on && row.dataset.key === line.dataset.key));
    };
    line.addEventListener("pointerenter", lit(true));
    line.addEventListener("pointerleave", lit(false));
  });
}

/* The comparison chosen is a link of the table already. */
function startComparing(form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { first, second } = Object.fromEntries(new FormData(form));
    for (const table of all("table.matrix")) {
      const index = [...table.tHead.rows[0].cells].findIndex((head) => head.dataset.key === second);
      const row = all("tr[data-key]", table).find((one) => one.dataset.key === first);
      const link = index > 0 && row?.cells[index].querySelector("a");
      if (link) location.href = link.href;
    }
  });
}

document.addEventListener("DOMContentLoaded", () => {
  all("[data-theme-toggle]").forEach(startTheme);
  all("table[data-sortable]").forEach(startSorting);
  all("[data-filters]").forEach(startFilters);
  all("[data-families]").forEach(startFamilies);
  all("main .scroll > svg.chart").forEach(startHighlights);
  all("[data-compare]").forEach(startComparing);
});
