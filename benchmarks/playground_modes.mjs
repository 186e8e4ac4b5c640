/* Trains the playground's game by its own mathematics, and prints what it reached at some rounds: one line of JSON. */

import { coveredModes } from "../book/explorables/playground/data.js";
import { generator } from "../book/explorables/playground/random.js";
import { START } from "../book/explorables/playground/settings.js";
import { Game } from "../book/explorables/playground/training.js";

const POINTS = 2000;
const LATENT = 2;
const { marks, ...settings } = JSON.parse(process.argv[2]);
const game = new Game({ ...START, ...settings });
const latent = generator(settings.seed + 3000).normals(LATENT * POINTS);
const reached = [];
for (const mark of marks) {
  while (game.round < mark) game.train();
  const covered = coveredModes(game.source, game.fakes(latent));
  reached.push({ round: mark, covered, distance: Number(game.state().distance.toPrecision(4)) });
}
process.stdout.write(JSON.stringify(reached));
