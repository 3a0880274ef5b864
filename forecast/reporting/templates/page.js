// The behaviour of the report: values under the pointer, the scenario explorer, the choice of allies, sorted tables.
// Everything works on numbers that stand in the page; nothing is loaded.
"use strict";
(() => {
  const all = (css, root = document) => [...root.querySelectorAll(css)];
  const one = (css, root = document) => root.querySelector(css);
  const tables = JSON.parse(one("#tables").textContent);
  const rounded = (x, unit) => {  // as the tables of the page: single precision, ties to the even number
    const scaled = Math.fround(x) * unit, whole = Math.round(scaled);
    return (Math.abs(scaled - Math.trunc(scaled)) === 0.5 ? 2 * Math.round(scaled / 2) : whole) / unit || 0;
  };
  const percent = (p) => p == null ? "–" : p < 0.01 ? "<\u00a01\u00a0%" : p > 0.99 ? ">\u00a099\u00a0%" : `${(100 * rounded(p, 100)).toFixed(0)}\u00a0%`;
  const decimal = (x) => x == null ? "–" : rounded(x, 100).toFixed(2).replace("-", "−");
  const fan = (f, i) => `${decimal(f[f.length >> 1][i])} (${decimal(f[0][i])} to ${decimal(f.at(-1)[i])})`;
  document.documentElement.classList.add("js");

  // -- charts: scales, paths, and values under the pointer
  const plots = (key) => all(`g[data-key="${key}"]`);
  const scales = (group) => {
    const [left, right, top, bottom, x0, x1, y0, y1] = group.dataset.plot.split(" ").map(Number);
    return { left, right, top, bottom, x0, x1,
      x: (v) => left + (right - left) * (v - x0) / (x1 - x0), y: (v) => bottom - (bottom - top) * (v - y0) / (y1 - y0) };
  };
  const path = (s, at, ys) => {
    const points = at.map((x, i) => [x, ys[i]]).filter(([, y]) => y != null);
    return points.length ? "M" + points.map(([x, y]) => `${s.x(x).toFixed(1)} ${s.y(y).toFixed(1)}`).join("L") : "";
  };
  const band = (s, at, low, high) => path(s, [...at, ...[...at].reverse()], [...low, ...[...high].reverse()]);
  const draw = (group, name, d) => one(`[data-series="${name}"]`, group).setAttribute("d", d);
  const tip = Object.assign(document.createElement("div"), { className: "tip", hidden: true });
  tip.setAttribute("role", "status");
  document.body.append(tip);

  function point(group, index, table) {
    const s = scales(group), svg = group.ownerSVGElement, box = svg.getBoundingClientRect();
    const x = s.x(table.at[index]), unit = box.width / svg.viewBox.baseVal.width;
    let cross = one(".cross", group);
    if (!cross) {
      cross = document.createElementNS("http://www.w3.org/2000/svg", "path");
      cross.setAttribute("class", "cross line-ink");
      group.append(cross);
    }
    cross.setAttribute("d", `M${x.toFixed(1)} ${s.top}V${s.bottom}`);
    tip.replaceChildren(Object.assign(document.createElement("strong"), { textContent: table.labels[index] }),
      ...table.values(index).map(([name, text]) => {
        const line = document.createElement("span");
        line.append(`${name} `, Object.assign(document.createElement("b"), { textContent: text }));
        return line;
      }));
    tip.hidden = false;
    const left = box.left + x * unit, width = tip.offsetWidth, edge = document.documentElement.clientWidth;
    tip.style.left = `${Math.max(4, left + width + 16 > edge ? left - width - 12 : left + 12) + scrollX}px`;
    tip.style.top = `${box.top + scrollY + 8}px`;
  }
  function leave(group) {
    tip.hidden = true;
    one(".cross", group)?.remove();
  }
  function hover(key, table) {
    for (const group of plots(key)) {
      const svg = group.ownerSVGElement, s = scales(group);
      let index = -1;
      const nearest = (x) => table.at.reduce((best, v, i) => Math.abs(v - x) < Math.abs(table.at[best] - x) ? i : best, 0);
      svg.setAttribute("tabindex", "0");
      svg.addEventListener("pointermove", (event) => {
        const box = svg.getBoundingClientRect();
        const x = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
        index = nearest(s.x0 + (s.x1 - s.x0) * (x - s.left) / (s.right - s.left));
        point(group, index, table);
      });
      svg.addEventListener("pointerleave", () => leave(group));
      svg.addEventListener("blur", () => leave(group));
      svg.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (event.key === "Escape") leave(group);
        if (!step) return;
        event.preventDefault();
        index = Math.min(table.at.length - 1, Math.max(0, index + step));
        point(group, index, table);
      });
    }
  }
  for (const svg of all("svg[role=img]")) {  // a browser would show the title as a tip over the values
    const title = one("title", svg);
    svg.setAttribute("aria-label", title.textContent);
    svg.removeAttribute("aria-labelledby");
    title.remove();
  }
  for (const [key, table] of Object.entries(tables.hover)) {
    hover(key, { at: table.at, labels: table.labels, values: (i) => table.rows
      .map(({ name, kind, values }) => [name, kind === "fan" ? (values[0][i] == null ? "–" : fan(values, i)) : (kind === "p" ? percent : decimal)(values[i])])
      .filter(([, text]) => text !== "–") });
  }

  // -- explorer and allies; their state stands in the address of the page
  const ex = tables.explorer, form = one("#explorer form"), picker = one(".picker");
  const first = { war: form.elements.war.value, design: form.elements.design.value, with: "", at: String(ex.horizon) };
  const chosen = () => all("input:checked", picker).map((box) => box.value);
  const firstAllies = chosen().join(",");
  const cellName = (cell) => cell.split("/").map((part) => ex.labels[part]).join(" × ");
  const readCell = () => `${form.elements.war.value}/${form.elements.design.value}`;
  const stack = (v) => { const low = v[0], mid = v[0].map((p, i) => p + v[1][i]); return [v[0].map(() => 0), low, mid, v[0].map(() => 1)]; };

  function explore() {
    const name = readCell(), cell = ex.cells[name], other = ex.cells[form.elements.with.value];
    for (const group of plots("explore-verdict")) {
      const s = scales(group), edges = stack(cell.v), compare = other ? stack(other.v) : null;
      ["Weak", "Fragmented", "Strong"].forEach((verdict, n) => draw(group, verdict, band(s, ex.at, edges[n], edges[n + 1]) + "Z"));
      ["low", "high"].forEach((edge, n) => draw(group, `compare ${edge}`, compare ? path(s, ex.at, compare[n + 1]) : ""));
    }
    for (const [key, field, at] of [["explore-cohesion", "c", ex.at], ["explore-spending", "s", ex.years]]) {
      for (const group of plots(key)) {
        const s = scales(group), f = cell[field], o = other?.[field];
        draw(group, "shown 0.1-0.9", band(s, at, f[0], f[4]) + "Z");
        draw(group, "shown 0.25-0.75", band(s, at, f[1], f[3]) + "Z");
        draw(group, "shown median", path(s, at, f[2]));
        ["low", "median", "high"].forEach((edge, n) => draw(group, `compare ${edge}`, o ? path(s, at, o[2 * n]) : ""));
      }
    }
    one("#explorer-name").textContent = cellName(name) + (other ? ` compared with ${cellName(form.elements.with.value)}` : "");
    for (const link of all("a.cell")) link.toggleAttribute("aria-current", link.dataset.cell === name);
    read(name, other ? form.elements.with.value : null);
  }
  function read(name, other) {
    const at = Number(form.elements.at.value), quarter = ex.quarters[at], year = Number(quarter.slice(0, 4));
    const y = Math.min(Math.max(ex.years.indexOf(year), 0), ex.years.length - 1);
    one("output", form).textContent = quarter;
    form.elements.at.setAttribute("aria-valuetext", quarter);
    one("#readout-when").textContent = quarter;
    one("#readout tbody").replaceChildren(...[name, other].filter(Boolean).map((key) => {
      const cell = ex.cells[key], row = document.createElement("tr");
      row.append(Object.assign(document.createElement("th"), { scope: "row", textContent: cellName(key) }));
      const numbers = { Strong: percent(cell.v[2][at]), Fragmented: percent(cell.v[1][at]), Weak: percent(cell.v[0][at]),
        Cohesion: fan(cell.c, at), Spending: fan(cell.s, y) };
      for (const [label, textContent] of Object.entries(numbers)) {
        const td = Object.assign(document.createElement("td"), { className: "n", textContent });
        td.dataset.label = label;
        row.append(td);
      }
      return row;
    }));
    for (const key of ["explore-verdict", "explore-cohesion", "explore-spending"]) {
      for (const group of plots(key)) {
        const s = scales(group), x = s.x(key === "explore-spending" ? ex.years[y] : ex.at[at]);
        let mark = one(".mark", group);
        if (!mark) {
          mark = document.createElementNS("http://www.w3.org/2000/svg", "path");
          mark.setAttribute("class", "mark line-ink");
          group.append(mark);
        }
        mark.setAttribute("d", `M${x.toFixed(1)} ${s.top}V${s.bottom}`);
      }
    }
  }
  const both = (write) => (i) => {
    const other = form.elements.with.value;
    return [...write(ex.cells[readCell()], i, ""), ...(other ? write(ex.cells[other], i, "compared: ") : [])];
  };
  hover("explore-verdict", { at: ex.at, labels: ex.quarters, values: both((c, i, says) =>
    [["Strong", 2], ["Fragmented", 1], ["Weak", 0]].map(([name, n]) => [says + name, percent(c.v[n][i])])) });
  hover("explore-cohesion", { at: ex.at, labels: ex.quarters, values: both((c, i, says) => [[`${says}cohesion`, fan(c.c, i)]]) });
  hover("explore-spending", { at: ex.years, labels: ex.years.map(String), values: both((c, i, says) => [[`${says}spending`, fan(c.s, i)]]) });

  const styles = tables.styles, allies = tables.allies;
  function pick() {
    const codes = chosen();
    for (const box of all("input", picker)) box.disabled = codes.length >= styles.length && !box.checked;
    for (const group of plots("allies")) {
      const s = scales(group);
      styles.forEach((_, n) => {
        const ally = allies.allies[codes[n]];
        draw(group, `pick ${n} band`, ally ? band(s, allies.years, ally.fan[0], ally.fan[2]) + "Z" : "");
        for (const [source, nato] of [["wdi", false], ["nato", true]]) {  // two definitions, so two lines
          const part = ally?.past.map((y, i) => (allies.past[i] >= allies.nato_from) === nato ? y : null);
          draw(group, `pick ${n} ${source}`, ally ? path(s, allies.past, part) : "");
        }
        draw(group, `pick ${n} median`, ally ? path(s, allies.years, ally.fan[1]) : "");
      });
    }
    const keys = one("#picked"), pledge = keys.lastElementChild;
    keys.replaceChildren(...codes.map((code, n) => {
      const item = document.createElement("li"), sign = document.createElement("i");
      sign.className = "line";
      sign.style.setProperty("--c", `var(--${styles[n][0]})`);
      sign.style.setProperty("--s", styles[n][1]);
      item.append(sign, allies.allies[code].name);
      return item;
    }), pledge);
  }
  const allYears = [...allies.past, ...allies.years];
  hover("allies", { at: allYears, labels: allYears.map(String), values: (i) => chosen().map((code) => {
    const ally = allies.allies[code], n = i - allies.past.length;
    return [ally.name, n < 0 ? decimal(ally.past[i]) : fan(ally.fan, n)];
  }) });

  function keep() {
    const state = new URLSearchParams({ war: form.elements.war.value, design: form.elements.design.value });
    if (form.elements.with.value) state.set("with", form.elements.with.value);
    if (form.elements.at.value !== first.at) state.set("at", ex.quarters[form.elements.at.value]);
    if (chosen().join(",") !== firstAllies) state.set("allies", chosen().join(","));
    history.replaceState(null, "", `#${state}`.replaceAll("%2F", "/").replaceAll("%2C", ","));
  }
  function restore() {
    const state = new URLSearchParams(location.hash.slice(1));
    const cells = Object.keys(ex.cells).map((cell) => cell.split("/")), ally = all("input", picker).map((box) => box.value);
    const codes = (state.get("allies") ?? "").split(",").filter((code) => ally.includes(code)).slice(0, styles.length);
    const known = {  // a part that is not known leaves the choice as it is
      war: cells.some(([war]) => war === state.get("war")),
      design: cells.some(([, design]) => design === state.get("design")),
      with: state.get("with") in ex.cells,
      at: ex.quarters.includes(state.get("at")),
      allies: codes.length > 0,
    };
    if (!Object.keys(known).some((part) => state.has(part))) return;
    for (const part of ["war", "design", "with"]) if (known[part]) form.elements[part].value = state.get(part);
    if (known.at) form.elements.at.value = ex.quarters.indexOf(state.get("at"));
    if (known.allies) for (const box of all("input", picker)) box.checked = codes.includes(box.value);
    explore();
    pick();
    if (Object.keys(known).some((part) => state.has(part) && !known[part])) keep();  // the address says what is shown
  }
  form.addEventListener("input", () => { explore(); keep(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  picker.addEventListener("change", () => { pick(); keep(); });
  for (const link of all("a.cell")) link.addEventListener("click", (event) => {
    event.preventDefault();
    [form.elements.war.value, form.elements.design.value] = link.dataset.cell.split("/");
    explore();
    keep();
    one("#explorer").scrollIntoView({ block: "nearest" });
  });
  addEventListener("hashchange", restore);
  explore();
  pick();
  restore();

  // -- the age of the facts today
  const age = one("#age"), days = Math.floor((Date.now() - Date.parse(age.dataset.asOf)) / 864e5);
  age.append(` (${days} days today)`);

  // -- tables: numbers from largest to smallest, and reversed on a second click
  for (const table of all("table.sortable")) {
    const body = table.tBodies[0], buttons = all("thead button", table);
    const number = (text) => Number.parseFloat(text.trim().replace("−", "-"));
    for (const button of buttons) button.addEventListener("click", () => {
      const column = Number(button.dataset.column), head = button.closest("th");
      const [usual, other] = column ? ["descending", "ascending"] : ["ascending", "descending"];
      const way = head.getAttribute("aria-sort") === usual ? other : usual;
      const sign = way === "ascending" ? 1 : -1;
      const sorted = [...body.rows].map((row) => [row, row.cells[column]?.textContent ?? ""]);
      sorted.sort(([, a], [, b]) => {
        if (!column) return sign * a.localeCompare(b, "en");
        const x = number(a), y = number(b);
        return Number.isNaN(x) || Number.isNaN(y) ? Number.isNaN(x) - Number.isNaN(y) : sign * (x - y);
      });
      for (const button of buttons) button.closest("th").removeAttribute("aria-sort");
      head.setAttribute("aria-sort", way);
      body.append(...sorted.map(([row]) => row));
    });
  }
})();
