#include "bench/growth/page.h"

namespace acre::bench {

const char* const kPageStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #ffffff; --ink: #1b2330; --muted: #5b6778; --rule: #e3e7ed;
  --live: #1f8a70; --inuse: #c9770c; --resident: #2458d3; --mapped: #8490a0; --reserved: #9a4fb0;
  --good: #1a7f4b; --bad: #c0392b;
  --b0: #2458d312; --b1: #1f8a7016; --b2: #c0392b22; --b3: #c9770c1c; --b4: #9a4fb01a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #11151b; --card: #191f28; --ink: #e7ecf3; --muted: #96a3b5; --rule: #2a323e;
    --live: #45c4a0; --inuse: #f0ad4e; --resident: #7ea6ff; --mapped: #8592a4; --reserved: #cf93e2;
    --good: #4fc98a; --bad: #ff7b6b;
    --b0: #7ea6ff14; --b1: #45c4a018; --b2: #ff7b6b2a; --b3: #f0ad4e20; --b4: #cf93e21e;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 27px; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 20px; margin: 0; }
h3 { font-size: 15px; margin: 22px 0 8px; }
p { margin: 4px 0; }
.muted { color: var(--muted); }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 12px;
  padding: 20px 22px; margin-top: 20px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 10px;
  margin: 16px 0 10px; }
.tile { border: 1px solid var(--rule); border-radius: 9px; padding: 9px 12px; }
.tile b { display: block; font-size: 20px; font-weight: 650; font-variant-numeric: tabular-nums; }
.tile span { color: var(--muted); font-size: 13px; line-height: 1.3; display: block; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; color: var(--muted);
  margin: 12px 0 2px; }
.legend span { display: inline-flex; align-items: center; gap: 7px; }
.legend i { width: 20px; height: 0; border-top: 3px solid; border-radius: 2px; }
.legend .mapped { border-top: 2px dashed var(--mapped); border-radius: 0; } .legend .inuse { border-color: var(--inuse); }
.legend .resident { border-color: var(--resident); }
.legend .live { height: 11px; border: 0; background: color-mix(in srgb, var(--live) 35%, transparent);
  border-top: 2px solid var(--live); }
.legend .collection { width: 0; height: 10px; border: 0; border-left: 2px solid var(--ink); }
.plot { position: relative; }
.chart { display: block; width: 100%; height: auto; outline: none; touch-action: pan-y; }
.chart:focus-visible { outline: 2px solid var(--resident); border-radius: 6px; }
.chart.narrow { display: none; }
@media (max-width: 640px) {
  main { padding: 18px 10px 40px; }
  .card { padding: 15px 13px; }
  .chart.wide { display: none; } .chart.narrow { display: block; }
  .tiles { grid-template-columns: 1fr 1fr; }
}
.chart text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  fill: var(--muted); font-variant-numeric: tabular-nums; }
.chart .end { text-anchor: end; } .chart .middle { text-anchor: middle; }
.chart .phase { fill: var(--ink); font-weight: 600; }
.chart .grid { stroke: var(--rule); } .chart .leader { stroke: var(--muted); stroke-opacity: .45; }
.chart .b0 { fill: var(--b0); } .chart .b1 { fill: var(--b1); } .chart .b2 { fill: var(--b2); }
.chart .b3 { fill: var(--b3); } .chart .b4 { fill: var(--b4); }
.chart .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.chart .line.mapped { stroke: var(--mapped); stroke-dasharray: 5 4; stroke-width: 1.5; }
.chart .line.inuse { stroke: var(--inuse); } .chart .line.live { stroke: var(--live); }
.chart .line.resident { stroke: var(--resident); }
.chart .area { fill: var(--live); fill-opacity: .2; }
.chart .collection { stroke: var(--ink); stroke-width: 1.5; }
.chart line.reserved { stroke: var(--reserved); stroke-dasharray: 1 4; stroke-width: 1.5; }
.chart text.reserved { fill: var(--reserved); paint-order: stroke; stroke: var(--card); stroke-width: 6px; }
.chart .cursor line { stroke: var(--ink); stroke-opacity: .5; }
.chart .cursor circle { stroke: var(--card); stroke-width: 1.5; }
.chart circle.mapped { fill: var(--mapped); } .chart circle.inuse { fill: var(--inuse); }
.chart circle.live { fill: var(--live); } .chart circle.resident { fill: var(--resident); }
.readout { position: absolute; top: 0; left: 0; pointer-events: none; background: var(--card);
  border: 1px solid var(--rule); border-radius: 8px; padding: 7px 11px; font-size: 13px;
  box-shadow: 0 4px 16px #0003; min-width: 172px; }
.readout div { display: flex; justify-content: space-between; gap: 14px;
  font-variant-numeric: tabular-nums; }
.readout .mapped { color: var(--mapped); } .readout .inuse { color: var(--inuse); }
.readout .live { color: var(--live); } .readout .resident { color: var(--resident); }
.scroll { overflow-x: auto; margin-top: 16px; }
table { border-collapse: collapse; font-size: 13px; width: 100%; font-variant-numeric: tabular-nums; }
th { color: var(--muted); font-weight: 550; text-align: right; vertical-align: bottom; line-height: 1.25; }
th, td { padding: 6px 9px; border-bottom: 1px solid var(--rule); white-space: nowrap; text-align: right; }
th:first-child, td:first-child { text-align: left; }
tr:last-child td { border-bottom: 0; }
.figures th[title] { cursor: help; }
.figures th, .figures td { padding: 6px 6px; }
.figures td:first-child { font-weight: 550; }
.figures .raw td { color: var(--muted); font-weight: 400; }
.checks td { text-align: left; white-space: normal; } .checks th { text-align: left; }
.checks td:nth-child(2), .checks td:nth-child(3), .checks td:nth-child(4) { white-space: nowrap; }
.holds { color: var(--good); font-weight: 600; } .fails { color: var(--bad); font-weight: 600; }
.stopped { color: var(--bad); font-weight: 600; margin-top: 12px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 0 36px; }
.bars { font-size: 13px; display: grid; grid-template-columns: auto 1fr auto; gap: 5px 10px;
  align-items: center; }
.bars code { font-size: 13px; } .bars i { display: block; height: 11px; border-radius: 3px;
  background: var(--live); opacity: .75; }
.bars span { text-align: right; font-variant-numeric: tabular-nums; }
dl { display: grid; grid-template-columns: auto auto; gap: 3px 18px; font-size: 13px; margin: 0;
  justify-content: start; }
dt { color: var(--muted); } dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
)css";

}  // namespace acre::bench
