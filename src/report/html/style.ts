/** How the page looks: light, dark, and on paper. Blue and orange are told apart by everyone. */

export const STYLE = `
:root {
  --paper: #fdfdfb; --card: #ffffff; --ink: #1b2330; --soft: #5a6473; --line: #dde1e8;
  --once: #3a6ea5; --hatch: #fbdfb4; --hatch-line: #dc8526; --other: #a9b2c0;
  --saved: #e3efe7; --gain: #14713f; --warn: #9a4b00; --code: #f1f3f6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #11151b; --card: #181d25; --ink: #e7eaf0; --soft: #9ca6b6; --line: #2b323d;
    --once: #6ea2da; --hatch: #5c3a14; --hatch-line: #d98b33; --other: #5d6776;
    --saved: #1d3327; --gain: #6fd39b; --warn: #f2b36b; --code: #0c0f14;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2.5rem clamp(1rem, 3vw, 3.5rem); max-width: 2500px;
  background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif;
}
h1 { font-size: 2.1rem; line-height: 1.2; margin: 0.2rem 0 0.6rem; letter-spacing: -0.01em; }
h2 { font-size: 1.3rem; margin: 3rem 0 0.9rem; }
h3 { font-size: 1.05rem; margin: 0; }
p { margin: 0.4rem 0; max-width: 100ch; }
.place { color: var(--soft); margin: 0; }
.lead { font-size: 1.1rem; margin-bottom: 1.2rem; }
svg { display: block; }
svg text { font-size: 12px; font-weight: 600; fill: var(--ink); }
svg .size { font-weight: 400; fill: var(--soft); }
.once { fill: var(--once); }
.repeated { fill: url(#hatch); }
.hatch-ground { fill: var(--hatch); }
.hatch-line { fill: var(--hatch-line); }
.other { fill: var(--other); }
.unseen { fill: var(--line); }
.tile { fill: transparent; stroke: var(--paper); stroke-width: 1; }
.box { fill: none; stroke: var(--paper); stroke-width: 3; }
.plate { fill: var(--paper); }
.saved { fill: var(--saved); }
.bar { border-radius: 3px; }
header .bar { height: 34px; }
.designs .bar { height: 18px; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 0.3rem 1.6rem; padding: 0; margin: 0.7rem 0 0; }
.legend li { display: flex; align-items: center; gap: 0.45rem; }
.key { border-radius: 2px; flex: none; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 880px), 1fr)); gap: 1rem 2.5rem; }
.pair > * { min-width: 0; }
figure { margin: 1rem 0 0; }
figure svg { width: 100%; height: auto; }
figcaption { color: var(--soft); margin-bottom: 0.5rem; }
.designs, .advice { list-style: none; padding: 0; margin: 0; }
.designs > li { padding: 0.7rem 0 0.8rem; border-top: 1px solid var(--line); }
.designs > .limit { border-top: 2px dashed var(--soft); }
.design { display: flex; flex-wrap: wrap; gap: 0 1.2rem; max-width: none; margin: 0 0 0.3rem; }
.design > :first-child { flex: 1 1 24rem; color: var(--soft); }
.design > :first-child b { color: var(--ink); margin-right: 0.5rem; }
.takes { min-width: 6em; text-align: right; font-variant-numeric: tabular-nums; }
.saving { color: var(--gain); font-variant-numeric: tabular-nums; }
details { margin-top: 0.35rem; color: var(--soft); }
summary { cursor: pointer; font-size: 0.9rem; }
details ul { margin: 0.3rem 0 0; }
.advice { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 620px), 1fr)); gap: 1.2rem; }
.advice > li { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--gain); border-radius: 6px; padding: 1.1rem 1.4rem; }
.advice ol { padding-left: 1.4rem; }
.advice ol li { margin: 0.5rem 0; }
pre { margin: 0.3rem 0 0; padding: 0.5rem 0.8rem; background: var(--code); border-radius: 4px; white-space: pre-wrap; overflow-wrap: anywhere; }
code { font: 0.88rem/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.caveat { color: var(--warn); }
table { border-collapse: collapse; width: 100%; margin: 0 0 2rem; font-size: 0.9rem; }
caption { text-align: left; font-weight: 600; font-size: 1rem; padding-bottom: 0.4rem; }
th { font-weight: 500; color: var(--soft); border-bottom: 1px solid var(--soft); }
th, td { padding: 0.28rem 0 0.28rem 1.2rem; vertical-align: top; }
th:first-child, td:first-child { padding-left: 0; }
td { border-bottom: 1px solid var(--line); }
.name { text-align: left; }
td.name { overflow-wrap: anywhere; }
.word { text-align: left; white-space: nowrap; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.more { color: var(--soft); }
@media print {
  :root {
    --paper: #ffffff; --card: #ffffff; --ink: #000000; --soft: #444444; --line: #cccccc;
    --once: #3a6ea5; --hatch: #fbdfb4; --hatch-line: #dc8526; --other: #a9b2c0;
    --saved: #e3efe7; --gain: #14713f; --warn: #9a4b00; --code: #f1f3f6;
  }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  html { font-size: 11px; }
  body { padding: 0; font-size: 1rem; }
  figure svg { max-height: 22rem; }
  figure, .designs > li, .advice > li, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
}
`;

/** The digest of `STYLE` that the page's policy allows; a test holds the two together. */
export const STYLE_HASH = 'sha256-FXzY6x1abGhZLjLx60Y/rjjhpFN8N5jeikNYs6608C4=';
