// The map of the world, for build.mjs: outlines of countries from Natural Earth (by world-atlas), in
// the Natural Earth projection (T. Patterson; polynomials by B. Šavrič, B. Jenny 2011), as path data in whole units.
//
// What always holds: all outlines together are at most GZIP_BYTES_MAX bytes gzipped, or the build fails.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import { feature, merge } from "topojson-client";

const GZIP_BYTES_MAX = 20_000;
/** Width of the drawing, in its own units. */
const WIDTH = 700;
/** The drawing's middle, degrees east: its edges then lie in the Bering Strait and cut no country. */
const MIDDLE = 11;
/** What is drawn, degrees north: without the Antarctic. */
const SOUTH = -56;
const NORTH = 83.7;

/** Of Natural Earth's areas without a number: that of ISO 3166 they are drawn with, or by custom. */
const NUMBERS = { "N. Cyprus": 196, Somaliland: 706, Kosovo: 983 };
const ANTARCTICA = 10;
const FRANCE = 250;
const GUIANA = 254;

/** Degrees east and north of what ISO 3166 has by itself and Natural Earth has as a part of another. */
const POINTS = [
  [74, [3.4, -54.4]], // Bouvet Island
  [162, [105.6, -10.5]], // Christmas Island
  [166, [96.8, -12.2]], // Cocos Islands
  [175, [45.2, -12.8]], // Mayotte
  [292, [-5.35, 36.14]], // Gibraltar
  [312, [-61.5, 16.2]], // Guadeloupe
  [474, [-61, 14.6]], // Martinique
  [535, [-68.3, 12.2]], // Caribbean Netherlands
  [581, [166.6, 19.3]], // United States Minor Outlying Islands
  [638, [55.5, -21.1]], // Réunion
  [744, [16, 78.5]], // Svalbard and Jan Mayen
  [772, [-171.8, -9.2]], // Tokelau
  [798, [179.2, -8.5]], // Tuvalu
];

const radians = (degrees) => (degrees * Math.PI) / 180;

/** The Natural Earth projection of a sphere of radius 1; degrees east of the middle, and north. */
const projected = ([east, north]) => {
  const phi = radians(north);
  const [p2, p4] = [phi ** 2, phi ** 4];
  return [
    radians(east) *
      (0.8707 -
        0.131979 * p2 +
        p4 * (-0.013791 + p4 * (0.003971 * p2 - 0.001529 * p4))),
    phi *
      (1.007226 +
        p2 * (0.015085 + p4 * (-0.044475 + 0.028874 * p2 - 0.005916 * p4))),
  ];
};

const [EDGE] = projected([180, 0]);
const [, TOP] = projected([0, NORTH]);
const [, BOTTOM] = projected([0, SOUTH]);
const SCALE = WIDTH / (2 * EDGE);
const HEIGHT = Math.ceil((TOP - BOTTOM) * SCALE);

/** Where points are in the drawing: all on the side of its edge on which the first is. */
const place = (points) => {
  const near = (east, other) => other + ((east - other + 540) % 360) - 180;
  const first = near(points[0][0] - MIDDLE, 0);
  return points.map(([east, north]) => {
    const [x, y] = projected([near(east - MIDDLE, first), north]);
    return [Math.round((x + EDGE) * SCALE), Math.round((TOP - y) * SCALE)];
  });
};

/** A ring without points that change nothing: equal ones, and those on a straight way. */
const slim = (ring) => {
  const kept = [];
  for (const [x, y] of ring) {
    const [b, a] = [kept.at(-1), kept.at(-2)];
    if (b && b[0] === x && b[1] === y) continue;
    if (a && (b[0] - a[0]) * (y - a[1]) === (b[1] - a[1]) * (x - a[0]))
      kept.pop();
    kept.push([x, y]);
  }
  return kept;
};

/** Twice the area of a ring. */
const area = (ring) =>
  Math.abs(
    ring.reduce((sum, [x, y], at) => {
      const [u, v] = ring[(at + 1) % ring.length];
      return sum + x * v - u * y;
    }, 0),
  );

const drawn = (ring) => {
  let [x, y] = ring[0];
  let text = `M${x},${y}l`;
  for (const [u, v] of ring.slice(1)) {
    const [dx, dy] = [u - x, v - y];
    text += `${text.endsWith("l") || dx < 0 ? "" : " "}${dx}${dy < 0 ? "" : " "}${dy}`;
    [x, y] = [u, v];
  }
  return `${text}z`;
};

const read = (file) => {
  const path = createRequire(import.meta.url).resolve(`world-atlas/${file}`);
  return JSON.parse(readFileSync(path, "utf8"));
};

const numberOf = ({ id, properties }) =>
  id === undefined ? NUMBERS[properties.name] : Number(id);

/** Of a number the polygons, each a list of rings. */
const polygons = (topology) => {
  const parts = new Map();
  for (const one of topology.objects.countries.geometries)
    parts.set(numberOf(one), [...(parts.get(numberOf(one)) ?? []), one]);
  parts.delete(undefined);
  parts.delete(ANTARCTICA);
  return new Map(
    [...parts].map(([number, all]) => [
      number,
      merge(topology, all).coordinates,
    ]),
  );
};

/** The middle of the largest part. */
const middle = (all) => {
  const rings = all.map(([outer]) => place(outer));
  const ring = rings.sort((a, b) => area(b) - area(a))[0];
  const mean = (axis) =>
    Math.round(ring.reduce((sum, point) => sum + point[axis], 0) / ring.length);
  return [mean(0), mean(1)];
};

/** Makes the map: `{ width, height, shapes: [[number, path]], points: [[number, x, y]] }`. */
export const map = () => {
  const coarse = polygons(read("countries-110m.json"));
  // Guiana lies apart, and has a code of its own.
  const [guiana, france] = [true, false].map((is) =>
    coarse.get(FRANCE).filter(([outer]) => outer[0][0] < -40 === is),
  );
  coarse.set(GUIANA, guiana).set(FRANCE, france);
  const shapes = [];
  for (const [number, all] of coarse) {
    const rings = all.flat().map((ring) => slim(place(ring)));
    const path = rings.filter((ring) => ring.length > 3).map(drawn);
    if (path.length > 0) shapes.push([number, path.join("")]);
  }
  const has = new Set(shapes.map(([number]) => number));
  const points = [...polygons(read("countries-50m.json"))]
    .map(([number, all]) => [number, ...middle(all)])
    .concat(POINTS.map(([number, point]) => [number, ...place([point])[0]]))
    .filter(([number]) => !has.has(number));
  const bytes = gzipSync(shapes.map(([, path]) => path).join("")).length;
  if (bytes > GZIP_BYTES_MAX)
    throw new Error(`the map: ${bytes} bytes gzipped, over ${GZIP_BYTES_MAX}`);
  const byNumber = ([a], [b]) => a - b;
  return {
    width: WIDTH,
    height: HEIGHT,
    shapes: shapes.sort(byNumber),
    points: points.sort(byNumber),
  };
};
