// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

// The parts of the page that are the same for every image. No network, no fonts, no libraries.
namespace insitu::apps {

inline constexpr const char* page_head = R"PAGE(<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>
:root { --back: #fcfcfa; --text: #1d1f21; --dim: #62666a; --line: #d4d6d2; --focus: #0b57d0;
  --unmapped: #eceee9; --r1: #bfe3c4; --r2: #7fc48b; --r3: #e9cf7a; --r4: #d99a4e; --raw: #ad5443;
  --damaged: #8b1a9b; --sign: #1d1f21; --on-raw: #ffffff;
  --on-damaged: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --back: #16181a; --text: #e6e8e6; --dim: #a0a5a8;
  --line: #3a3e41; --focus: #8ab4f8; --unmapped: #25282a; --r1: #1f4d2a; --r2: #2f7d40;
  --r3: #7d6a22; --r4: #9a6426; --raw: #a24c3b; --damaged: #c85ad8;
  --sign: #ffffff; --on-raw: #ffffff; --on-damaged: #16181a; } }
@media (forced-colors: active) { #map button, .legend span { forced-color-adjust: none; } }
body { background: var(--back); color: var(--text); font: 15px/1.45 system-ui, sans-serif;
  max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.35rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin-top: 1.6rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; } td, th { padding: .1rem .7rem .1rem 0; text-align: left;
  vertical-align: top; } td.t { overflow-wrap: anywhere; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
#map { display: grid; gap: 2px; }
#map button { aspect-ratio: 1; border: 0; padding: 0; font: inherit; font-size: min(.7rem, 2vw);
  line-height: 1; color: var(--sign); cursor: pointer; border-radius: 2px; min-width: 0; min-height: 0;
  overflow: hidden; }
#map .raw { color: var(--on-raw); } #map .damaged { color: var(--on-damaged); }
#map button:focus-visible { outline: 3px solid var(--focus); outline-offset: 1px; }
#map .found { box-shadow: inset 0 0 0 2px var(--damaged); }
#detail { min-height: 5.5rem; border: 1px solid var(--line); padding: .5rem .8rem; margin: .6rem 0; }
.legend span { display: inline-block; width: 1em; height: 1em; border-radius: 2px;
  vertical-align: -.1em; margin: 0 .3em 0 1em; }
.bar { background: var(--r2); height: .8em; min-width: 1px; } .dim { color: var(--dim); }
.findings li { margin: .3rem 0; overflow-wrap: anywhere; } svg { width: 100%; height: 7rem; }
svg .axis { stroke: var(--line); } svg .ratio { fill: var(--r2); }
</style>
)PAGE";

inline constexpr const char* page_map = R"PAGE(<h2 id="map-title">The device, region by region</h2>
<p class="dim">Arrow keys move, Enter zooms in, Escape zooms out.</p>
<p class="legend" aria-hidden="true"><span style="background:var(--unmapped)"></span>unmapped
<span style="background:var(--r1)"></span>payloads up to 25 % of the region
<span style="background:var(--r2)"></span>50 % <span style="background:var(--r3)"></span>75 %
<span style="background:var(--r4)"></span>more <span style="background:var(--raw)"></span>raw
<span style="background:var(--damaged)"></span>damaged or found</p>
<p><button id="out" hidden>Whole device</button> <span id="where"></span></p>
<div id="map" role="grid" aria-labelledby="map-title"></div>
<div id="detail" aria-live="polite">Point at a region, or move to it, to see what it holds.</div>
<noscript>The map needs JavaScript; all figures and findings are below.</noscript>
<h2>Space that payloads take, by region</h2>
<svg id="ratios" role="img" preserveAspectRatio="none" aria-label="Share of each region's space that payloads take"></svg>
)PAGE";

inline constexpr const char* page_script = R"PAGE(<script>
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const [BLOCKS, MAPPED, SECTORS, RAW, PACKED_EXTENTS, RAW_EXTENTS, FAULTY] = [0, 1, 2, 3, 4, 5, 6];
const regionBlocks = data.windows_per_region * 32, mostCells = 512;
const map = document.getElementById("map"), detail = document.getElementById("detail");
const out = document.getElementById("out"), where = document.getElementById("where");
const columns = map.clientWidth < 480 ? 16 : 32;
map.style.gridTemplateColumns = `repeat(${columns}, 1fr)`;
let view = {first: 0, end: data.regions.length}, zoomed = 0;
function bytes(n) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let i = 0;
  while (n >= 1024 && i < units.length - 1) { n /= 1024; ++i; }
  return (i ? n.toFixed(1) : n) + " " + units[i];
}
function sum(first, end) {
  const total = [0, 0, 0, 0, 0, 0, 0];
  for (let i = first; i < end; ++i) data.regions[i].forEach((n, k) => { total[k] += n; });
  return total;
}
function overlaps(item, first, end) {
  return item.block < end * regionBlocks && item.block + Math.max(item.blocks, 1) > first * regionBlocks;
}
function look(total) {
  if (total[FAULTY]) return ["damaged", "!"];
  if (!total[MAPPED]) return ["unmapped", ""];
  if (total[RAW] === total[BLOCKS]) return ["raw", "R"];
  return ["r" + Math.min(4, Math.max(1, Math.ceil(total[SECTORS] / (8 * total[BLOCKS]) * 4))), ""];
}
function describe(cell) {
  const t = cell.total, from = cell.first * regionBlocks * 4096;
  const lines = [`Bytes ${from} to ${from + t[BLOCKS] * 4096 - 1} (${bytes(t[BLOCKS] * 4096)})`,
    `${bytes(t[MAPPED] * 4096)} mapped in ${t[PACKED_EXTENTS]} compressed and ${t[RAW_EXTENTS]} raw extents`,
    `${bytes(t[SECTORS] * 512)} of payload` +
      (t[MAPPED] ? `, ${(t[SECTORS] / (8 * t[MAPPED]) * 100).toFixed(1)} % of what is mapped` : "")];
  if (t[FAULTY]) lines.push(`${t[FAULTY]} blocks under meta that makes no sense`);
  for (const f of cell.found.slice(0, 5)) lines.push(`${f.id} ${f.severity}: ${f.text}`);
  if (cell.found.length > 5) lines.push(`and ${cell.found.length - 5} more findings`);
  return lines;
}
function show(cell) {
  detail.replaceChildren(...describe(cell).map(line => {
    const p = document.createElement("div"); p.textContent = line; return p; }));
}
function draw(focus) {
  const count = view.end - view.first, each = Math.ceil(count / mostCells), cells = [];
  for (let i = view.first; i < view.end; i += each) {
    const end = Math.min(i + each, view.end);
    cells.push({first: i, end, total: sum(i, end), found: data.findings.filter(f => overlaps(f, i, end))});
  }
  map.replaceChildren();
  let row;
  cells.forEach((cell, i) => {
    if (i % columns === 0) {
      row = document.createElement("div"); row.setAttribute("role", "row");
      row.style.display = "contents"; map.append(row);
    }
    const button = document.createElement("button");
    const [kind, sign] = look(cell.total);
    button.setAttribute("role", "gridcell");
    button.style.background = `var(--${kind})`;
    button.textContent = cell.found.length ? "!" : sign;
    button.className = kind + (cell.found.length ? " found" : "");
    button.tabIndex = i === 0 ? 0 : -1;
    button.setAttribute("aria-label", describe(cell).join(". "));
    button.onfocus = button.onmouseenter = () => show(cell);
    button.onclick = () => zoom(cell, i);
    row.append(button);
  });
  out.hidden = count === data.regions.length;
  const start = view.first * regionBlocks * 4096;
  where.textContent = `${bytes(start)} to ${bytes(start + sum(view.first, view.end)[BLOCKS] * 4096)}, ` +
    `${bytes(each * regionBlocks * 4096)} a cell`;
  if (focus !== undefined) move(focus);
}
function buttons() { return [...map.querySelectorAll("button")]; }
function move(to) {
  const all = buttons(), target = all[Math.min(Math.max(to, 0), all.length - 1)];
  all.forEach(b => { b.tabIndex = b === target ? 0 : -1; });
  target.focus();
}
function zoom(cell, index) {
  if (cell.end - cell.first <= 1) return;
  zoomed = index;
  // The cell and what lies around it, as large as there is room.
  const middle = (cell.first + cell.end) >> 1;
  const first = Math.max(0, Math.min(middle - mostCells / 2, data.regions.length - mostCells));
  view = {first, end: Math.min(first + mostCells, data.regions.length)};
  draw(cell.first - first);
}
function whole() {
  if (out.hidden) return;
  view = {first: 0, end: data.regions.length};
  draw(zoomed);
}
out.onclick = whole;
document.onkeydown = event => { if (event.key === "Escape") whole(); };
map.onkeydown = event => {
  const at = buttons().indexOf(document.activeElement);
  const step = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns}[event.key];
  if (event.key === "Home") move(0);
  else if (event.key === "End") move(Infinity);
  else if (step !== undefined) move(at + step);
  else return;
  event.preventDefault();
};
const svg = document.getElementById("ratios"), n = data.regions.length;
svg.setAttribute("viewBox", `0 0 ${n} 100`);
let path = `M0 100`;
data.regions.forEach((r, i) => {
  const y = 100 - r[SECTORS] / (8 * r[BLOCKS]) * 100; path += `L${i} ${y.toFixed(1)}L${i + 1} ${y.toFixed(1)}`; });
svg.innerHTML = `<path class="ratio" d="${path}L${n} 100Z"/><line class="axis" x1="0" y1="100" x2="${n}" y2="100"/>`;
draw();
</script>
)PAGE";

}  // namespace insitu::apps
