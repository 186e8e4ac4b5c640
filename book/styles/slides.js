// Turns the slides of a chapter: arrow keys, space, page keys; "n" shows the notes. The address remembers the place.
const slides = [...document.querySelectorAll(".slide")];
let place = 0;

// Makes what is too tall smaller, by steps, so that nothing of a statement is below the edge.
function fit(slide) {
  for (let scale = 1; scale > 0.4; scale -= 0.08) {
    slide.style.fontSize = `${scale}em`;
    if (slide.scrollHeight <= window.innerHeight) return;
  }
}

function show(number) {
  place = Math.max(0, Math.min(slides.length - 1, number));
  slides.forEach((slide, index) => slide.classList.toggle("current", index === place));
  fit(slides[place]);
  history.replaceState(null, "", `#${place + 1}`);
}

const steps = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1, Home: -1e6, End: 1e6 };
document.addEventListener("keydown", (event) => {
  if (event.key === "n") {
    document.body.classList.toggle("with-notes");
    fit(slides[place]);
  }
  if (event.key in steps) {
    event.preventDefault();
    show(place + steps[event.key]);
  }
});
show((Number.parseInt(location.hash.slice(1), 10) || 1) - 1);

// Once the formulas have their size, every slide gets its own, also those that will only be printed.
window.addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  slides.forEach((slide) => {
    slide.classList.add("current");
    fit(slide);
    slide.classList.remove("current");
  });
  show(place);
});
window.addEventListener("resize", () => show(place));
