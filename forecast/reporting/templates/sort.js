// Sort a table of class "sortable" by the clicked column: numbers from largest to smallest, and reversed on a second click.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0], buttons = [...table.querySelectorAll("thead button")];
  const number = (text) => Number.parseFloat(text.trim().replace("−", "-"));
  for (const button of buttons) button.addEventListener("click", () => {
    const column = Number(button.dataset.column), head = button.closest("th");
    const [first, second] = column ? ["descending", "ascending"] : ["ascending", "descending"];
    const way = head.getAttribute("aria-sort") === first ? second : first;
    const sign = way === "ascending" ? 1 : -1;
    const rows = [...body.rows].map((row) => [row, row.cells[column]?.textContent ?? ""]);
    rows.sort(([, a], [, b]) => {
      if (!column) return sign * a.localeCompare(b, "en");
      const x = number(a), y = number(b);
      return Number.isNaN(x) || Number.isNaN(y) ? Number.isNaN(x) - Number.isNaN(y) : sign * (x - y);
    });
    for (const other of buttons) other.closest("th").removeAttribute("aria-sort");
    head.setAttribute("aria-sort", way);
    body.append(...rows.map(([row]) => row));
  });
}
