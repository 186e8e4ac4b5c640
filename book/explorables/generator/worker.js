/* Makes pictures beside the page, so that the page stays quick. It answers each question once, in their order. */

import { between, directionsFrom, Generator, latentAt, nearest, oneOf } from "./generator.js";
import { generator as randomFrom } from "../playground/random.js";

const STOPS = 9; // pictures of a walk, ends included
const SIDE = 7; // pictures on a side of the map

let network = null;
let known = null; // training images, one after another, as bytes
let directions = { seed: null, vectors: null };

const bytesOf = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function vectorsFrom(seed) {
  if (directions.seed !== seed) directions = { seed, vectors: directionsFrom(randomFrom(seed), network.latent) };
  return directions.vectors;
}

function found(picture) {
  const { index, distance } = nearest(known, picture);
  const perClass = known.length / picture.length / network.classes;
  return { picture, distance, kind: Math.floor(index / perClass), image: known.slice(index * picture.length, (index + 1) * picture.length) };
}

const acts = {
  async load({ data }) {
    network = new Generator(data.layout, bytesOf(data.weights).buffer);
    known = await inflated(bytesOf(data.images));
  },
  walk({ seed, a, b, from, to, part }) {
    const [start, end] = [a, b].map((place) => latentAt(place, vectorsFrom(seed)));
    const [first, last] = [from, to].map((kind) => oneOf(network.classes, kind));
    const at = (share) => network.make(between(start, end, share), between(first, last, share));
    const before = performance.now();
    const stops = Array.from({ length: STOPS }, (_, i) => at(i / (STOPS - 1)));
    const perPicture = (performance.now() - before) / STOPS;
    return { stops: stops.map(found), now: found(at(part)), perPicture };
  },
  map({ seed, from }) {
    const place = (i) => Math.PI * ((2 * i + 1) / SIDE - 1);
    const pictures = [];
    for (let row = 0; row < SIDE; row++) for (let column = 0; column < SIDE; column++) {
      const z = latentAt([place(column), place(SIDE - 1 - row)], vectorsFrom(seed));
      pictures.push(network.make(z, oneOf(network.classes, from)));
    }
    return { side: SIDE, pictures };
  },
};

onmessage = async ({ data }) => postMessage({ kind: data.act, ...(await acts[data.act](data)) });
