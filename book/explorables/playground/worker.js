/*
 * Trains beside the page, so that the page stays quick. It makes a picture only when the last one has been drawn, and
 * at full speed trains for a while between two pictures.
 */

import { assign, distances } from "./assignment.js";
import { sample } from "./data.js";
import { generator as randomFrom } from "./random.js";
import { EVALUATED, Game } from "./training.js";

const SIDE = 40; // of the grid behind the two maps
const EXTENT = 3;
const AT_FULL_SPEED = 90; // milliseconds of training between two pictures
const PAIRS = 5;

let game = null;
let running = false;
let pause = 0; // milliseconds between two rounds; 0 is full speed
let free = true; // whether the page has drawn the last picture
let perRound = 0;
let timer = null;

/** How far two samples of the data are from each other; a perfect generator is as far away in the mean. */
function floor() {
  const random = randomFrom(game.config.seed + 2000);
  const draw = () => sample(game.source, EVALUATED, random);
  let sum = 0;
  for (let i = 0; i < PAIRS; i++) sum += assign(distances(draw(), draw()), EVALUATED).mean;
  return sum / PAIRS;
}

function show() {
  const state = game.state();
  free = false;
  postMessage({ kind: "picture", ...state, surface: game.surface(SIDE, EXTENT), perRound, running });
  if (!state.finite) running = false;
}

function trainOnce() {
  const before = performance.now();
  game.train();
  const took = performance.now() - before;
  perRound = perRound ? 0.9 * perRound + 0.1 * took : took;
}

function turn() {
  clearTimeout(timer);
  if (!running) return;
  if (pause) trainOnce();
  else for (const until = performance.now() + AT_FULL_SPEED; performance.now() < until; ) trainOnce();
  if (free) show();
  if (running) timer = setTimeout(turn, pause);
}

const acts = {
  start({ config, rounds = 0 }) {
    running = false;
    game = new Game(config);
    perRound = 0;
    postMessage({ kind: "floor", floor: floor() });
    for (let i = 0; i < rounds; i++) {
      game.train();
      if (i % 20 === 19) postMessage({ kind: "point", ...shortState() });
    }
    show();
  },
  run() {
    running = true;
    turn();
  },
  pause() {
    running = false;
    show();
  },
  step() {
    running = false;
    trainOnce();
    show();
  },
  speed({ wait }) {
    pause = wait;
    turn();
  },
  drawn() {
    free = true;
  },
};

const shortState = () => {
  const { round, distance, estimate } = game.state();
  return { round, distance, estimate };
};

onmessage = ({ data }) => acts[data.act](data);
