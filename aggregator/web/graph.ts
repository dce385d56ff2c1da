// The time graph, made of the table below it. The drawing that the page came with is for readers
// without scripts; styles hide it.

import uPlot from "uplot";

/** One span of time. */
interface Point {
  label: string;
  /** As it is told, with what is to be said of it. */
  told: string;
  n: number | null;
  partial: boolean;
  beforeTold: string | undefined;
  before: number | null;
}

const HEIGHT_PX = 220;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const number = (cell: HTMLElement | undefined): number | null => {
  const text = cell?.dataset["n"];
  return text === undefined ? null : Number(text);
};

const told = (cell: HTMLElement | undefined): string => {
  const text = cell?.textContent ?? "";
  return cell?.title ? `${text}, ${cell.title}` : text;
};

const read = (table: HTMLTableElement): Point[] => {
  const rows = [...(table.tBodies[0]?.rows ?? [])];
  return rows.map((row) => {
    const [label, value, before] = [...row.cells];
    return {
      label: label?.textContent ?? "",
      told: told(value),
      n: number(value),
      partial: "partial" in row.dataset,
      beforeTold: before && told(before),
      before: number(before),
    };
  });
};

/** `2026-11-26` as `26 Nov`, by month as `Nov 2026`; an hour as it is. */
const short = (label: string, unit: string): string => {
  const [, year, month, day] = /^(\d+)-(\d+)-(\d+)$/.exec(label) ?? [];
  const name = MONTHS[Number(month) - 1];
  if (!name) return label;
  return unit === "month" ? `${name} ${year}` : `${Number(day)} ${name}`;
};

const thousands = (n: number): string =>
  String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");

/** A mark of the scale, in a metric's unit. */
const mark = (n: number, kind: string): string => {
  if (kind === "percent") return `${n}%`;
  if (kind === "seconds") {
    const minutes = Math.floor(n / 60);
    if (minutes >= 60)
      return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, "0")}m`;
    return minutes
      ? `${minutes}m ${String(n % 60).padStart(2, "0")}s`
      : `${n}s`;
  }
  return Number.isInteger(n) ? thousands(n) : String(n);
};

/** Room right of the bars, so that a name below the last one is whole. */
const roomFor =
  (names: string[]): uPlot.PaddingSide =>
  (plot) => {
    const letters = Math.max(...names.map((name) => name.length));
    const bar = (plot.width - 64) / names.length;
    return Math.max(8, (letters * 8.5 - bar) / 2);
  };

/** Steps between the marks of a scale. */
const steps = (kind: string): number[] => {
  const few = kind === "whole" ? [] : [0.1, 0.2, 0.5];
  if (kind === "seconds")
    return [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 36000, 86400];
  const tens = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
  return [...few, ...tens.flatMap((ten) => [ten, 2 * ten, 5 * ten])];
};

/** What is told about the span under the pointer. */
const tip = (points: Point[]): uPlot.Plugin => {
  const box = document.createElement("div");
  box.className = "tip";
  box.hidden = true;
  const add = (className: string, text: string): void => {
    const part = document.createElement("span");
    part.className = className;
    part.textContent = text;
    box.append(part);
  };
  const follow = (plot: uPlot): void => {
    const at = plot.cursor.idx;
    const point = at == null ? undefined : points[at];
    const left = plot.cursor.left ?? -1;
    box.hidden = !point || left < 0;
    if (!point || at == null || left < 0) return;
    box.replaceChildren();
    add("when", point.partial ? `${point.label}, not over yet` : point.label);
    add("value", point.told);
    if (point.beforeTold) add("before", `before: ${point.beforeTold}`);
    const middle = plot.valToPos(at, "x");
    const most = plot.over.clientWidth - box.offsetWidth;
    const x = Math.min(Math.max(middle - box.offsetWidth / 2, 0), most);
    box.style.transform = `translateX(${Math.round(x)}px)`;
  };
  return {
    hooks: { init: (plot) => void plot.over.append(box), setCursor: follow },
  };
};

const options = (
  points: Point[],
  kind: string,
  unit: string,
  width: number,
): uPlot.Options => {
  const bars = uPlot.paths.bars?.({ size: [0.8, 64], radius: 0.12 });
  const bar = (fill: () => string): uPlot.Series => ({
    fill,
    width: 0,
    points: { show: false },
    ...(bars && { paths: bars }),
  });
  const names = points.map((point) => short(point.label, unit));
  const axis: uPlot.Axis = {
    stroke: () => colour("--soft"),
    font: "13px system-ui, sans-serif",
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT_PX,
    padding: [12, roomFor(names), 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: false, y: false },
    },
    scales: {
      x: { time: false, range: () => [-0.5, points.length - 0.5] },
      y: { range: (_, __, most) => [0, (most || 1) * 1.05] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        incrs: [1, 2, 3, 4, 6, 7, 12, 14, 28, 56, 112],
        size: 28,
        space: 64,
        values: (_, marks) => marks.map((at) => names[at] ?? ""),
      },
      {
        ...axis,
        grid: { stroke: () => colour("--line"), width: 1 },
        incrs: steps(kind),
        size: (_, marks) =>
          16 + 7.5 * Math.max(2, ...(marks ?? []).map((it) => it.length)),
        space: 36,
        values: (_, marks) => marks.map((n) => mark(n, kind)),
      },
    ],
    series: [
      {},
      bar(() => colour("--chart")),
      bar(() => `color-mix(in srgb, ${colour("--chart")} 50%, transparent)`),
      {
        stroke: () => colour("--soft"),
        width: 1.5,
        dash: [4, 3],
        points: { show: points.length === 1 },
      },
    ],
    plugins: [tip(points)],
  };
};

const data = (points: Point[]): uPlot.AlignedData => [
  points.map((_, at) => at),
  points.map((point) => (point.partial ? null : point.n)),
  points.map((point) => (point.partial ? point.n : null)),
  points.map((point) => point.before),
];

/** The graph that is shown: where, and of what. */
let shown: { plot: uPlot; mount: HTMLElement; of: string } | undefined;

const resized = new ResizeObserver(([entry]) => {
  const width = Math.floor(entry?.contentRect.width ?? 0);
  if (shown && width > 0 && width !== shown.plot.width)
    shown.plot.setSize({ width, height: HEIGHT_PX });
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
  shown?.plot.redraw(),
);

/** Draws the graph of the page, or draws it anew where it changed. */
export const draw = (): void => {
  const figure = document.querySelector<HTMLElement>("figure.chart");
  const mount = figure?.querySelector<HTMLElement>(".graph");
  const table = figure?.querySelector("table");
  const { kind = "whole", unit = "day" } = figure?.dataset ?? {};
  const of = `${kind} ${unit} ${table?.innerHTML ?? ""}`;
  if (shown && shown.mount === mount && shown.of === of) return;
  shown?.plot.destroy();
  resized.disconnect();
  shown = undefined;
  if (!mount || !table) return;
  mount.replaceChildren();
  const points = read(table);
  const width = Math.floor(mount.clientWidth);
  const plot = new uPlot(
    options(points, kind, unit, width),
    data(points),
    mount,
  );
  shown = { plot, mount, of };
  resized.observe(mount);
};
