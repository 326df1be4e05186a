#include "bench/growth/page_script.h"

namespace acre::bench {

// The readout: under the pointer, or moved by the arrow keys of a focused chart.
const char* const kPageScript = R"js(
(() => {
  const names = ["mapped", "inuse", "live", "resident"];
  const titles = { resident: "resident", live: "live", inuse: "in use", mapped: "mapped" };
  const size = (bytes) => {
    let step = 0;
    while (bytes >= 999.5 && step < 4) { bytes /= 1024; step++; }
    const digits = step === 0 ? 0 : bytes < 9.995 ? 2 : bytes < 99.95 ? 1 : 0;
    return bytes.toFixed(digits) + " " + ["B", "KiB", "MiB", "GiB", "TiB"][step];
  };
  for (const plot of document.querySelectorAll(".plot")) {
    const data = JSON.parse(plot.querySelector("script").textContent);
    const column = (name) => data.samples.columns.indexOf(name);
    const at = { mapped: column("mapped_bytes"), inuse: column("in_use_bytes"),
                 live: column("live_bytes"), resident: column("resident_bytes") };
    const rows = data.samples.rows, gcs = column("collections");
    const readout = plot.querySelector(".readout");
    const phaseAt = (t) => (data.phases.find((p) => t >= p[1] && t <= p[2]) || ["between phases"])[0];
    const nearest = (t) => {
      let low = 0, high = rows.length - 1;
      while (low < high) { const m = (low + high) >> 1; if (rows[m][0] < t) low = m + 1; else high = m; }
      return low > 0 && t - rows[low - 1][0] < rows[low][0] - t ? low - 1 : low;
    };
    for (const chart of plot.querySelectorAll("svg")) {
      const d = Object.fromEntries(Object.entries(chart.dataset).map(([k, v]) => [k, Number(v)]));
      const cursor = chart.querySelector(".cursor"), line = cursor.querySelector("line");
      let current = 0;
      const hide = () => { cursor.setAttribute("visibility", "hidden"); readout.hidden = true; };
      const show = (index) => {
        current = Math.max(0, Math.min(rows.length - 1, index));
        const row = rows[current];
        const x = d.left + (d.right - d.left) * row[0] / d.seconds;
        line.setAttribute("x1", x); line.setAttribute("x2", x);
        line.setAttribute("y1", d.top); line.setAttribute("y2", d.bottom);
        for (const name of names) {
          const circle = cursor.querySelector("circle." + name);
          circle.setAttribute("cx", x);
          circle.setAttribute("cy", d.bottom - (d.bottom - d.top) * row[at[name]] / d.bytes);
        }
        cursor.setAttribute("visibility", "visible");
        readout.replaceChildren();
        const entry = (left, right, style) => {
          const div = document.createElement("div"), a = document.createElement("span"),
                b = document.createElement("b");
          a.textContent = left; b.textContent = right;
          if (style) a.className = style;
          div.append(a, b); readout.append(div);
        };
        entry(phaseAt(row[0]), row[0].toFixed(2) + " s");
        for (const name of ["mapped", "inuse", "resident", "live"]) entry(titles[name], size(row[at[name]]), name);
        entry("collections", String(row[gcs]));
        readout.hidden = false;
        const box = chart.getBoundingClientRect(), scale = box.width / chart.viewBox.baseVal.width;
        const px = x * scale, width = readout.offsetWidth;
        const left = px + 14 + width < box.width ? px + 14 : Math.max(0, px - 14 - width);
        readout.style.transform = `translate(${left}px, ${d.top * scale + 8}px)`;
      };
      chart.addEventListener("pointermove", (event) => {
        const box = chart.getBoundingClientRect();
        const x = (event.clientX - box.left) * chart.viewBox.baseVal.width / box.width;
        show(nearest((x - d.left) / (d.right - d.left) * d.seconds));
      });
      chart.addEventListener("pointerleave", hide);
      chart.addEventListener("blur", hide);
      chart.addEventListener("keydown", (event) => {
        const step = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
        if (step === 0) return;
        event.preventDefault();
        show(current + step * (event.shiftKey ? 10 : 1));
      });
    }
  }
})();
)js";

}  // namespace acre::bench
