"use strict";
// The table of all cells: sorted by its heads, filtered by what is asked for; both stand in the address (#sort=...).
const table = document.getElementById("overview");
const body = table.tBodies[0];
const rows = Array.from(body.rows);
const heads = Array.from(table.tHead.rows[0].cells);
const form = document.getElementById("filters");
let order = { key: "", descending: false };

function column(key) {
  return heads.findIndex((head) => head.dataset.key === key);
}

function compare(index, numeric) {
  return (a, b) => {
    const [x, y] = [a, b].map((row) => row.cells[index].dataset.sort);
    if (x === "" || y === "") return (x === "") - (y === ""); // what has no value comes last, either way round
    const difference = numeric ? Number(x) - Number(y) : x.localeCompare(y, undefined, { numeric: true });
    return order.descending ? -difference : difference;
  };
}

function sort() {
  const index = column(order.key);
  const head = heads[index];
  const sorted = index < 0 ? rows : rows.slice().sort(compare(index, "numeric" in head.dataset));
  body.append(...sorted);
  for (const each of heads.filter((each) => each.dataset.key)) {
    each.setAttribute("aria-sort", each !== head ? "none" : order.descending ? "descending" : "ascending");
  }
}

function filter() {
  const asked = Array.from(new FormData(form)).filter(([, value]) => value !== "");
  for (const row of rows) row.hidden = !asked.every(([name, value]) => matches(row, name, value));
  const count = rows.filter((row) => !row.hidden).length;
  document.getElementById("shown").textContent = `${count} of ${rows.length} cells`;
}

function matches(row, name, value) {
  if (name !== "text") return row.cells[column(name.slice("is.".length))].dataset.sort === value;
  const words = value.toLowerCase().split(/\s+/);
  return words.every((word) => row.dataset.text.includes(word));
}

function remember() {
  const address = new URLSearchParams(Array.from(new FormData(form)).filter(([, value]) => value !== ""));
  if (order.key) address.set("sort", order.key);
  if (order.key && order.descending) address.set("order", "descending");
  history.replaceState(null, "", `#${address}`);
}

function recall() {
  if (!location.hash.includes("=")) return reveal();
  const address = new URLSearchParams(location.hash.slice(1));
  for (const field of form.elements) if (field.name) field.value = address.get(field.name) ?? "";
  order = { key: address.get("sort") ?? "", descending: address.get("order") === "descending" };
  sort();
  filter();
}

// A link to a cell opens what is told of it.
function reveal() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
  target?.scrollIntoView();
}

for (const head of heads.filter((each) => each.dataset.key)) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    order = { key: head.dataset.key, descending: order.key === head.dataset.key && !order.descending };
    sort();
    remember();
  });
}
form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", () => { filter(); remember(); });
form.addEventListener("reset", () => setTimeout(() => { filter(); remember(); }));
addEventListener("hashchange", recall);
sort();
filter();
recall();
